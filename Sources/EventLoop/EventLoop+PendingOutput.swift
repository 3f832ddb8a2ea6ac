/// Output that has to wait for its peer.
extension EventLoop {
    func hold(_ index: UInt32, _ bytes: Span<UInt8>) {
        let slot = connections[index].pending
        let held = slot == Connection.none ? 0 : pendingOutputs[slot].count
        guard held + bytes.count <= configuration.maximumPendingBytes,
            statistics.pendingOutputBytes + bytes.count <= configuration.maximumPendingBytesPerLoop
        else { return doom(index, .slowReader) }
        statistics.pendingBytes.add(bytes.count)
        if slot != Connection.none {
            pendingOutputs[slot].append(bytes, from: &outputBlocks)
        } else {
            let taken = pendingOutputs.take { PendingOutput() }
            pendingOutputs[taken].append(bytes, from: &outputBlocks)
            connections[index].pending = taken
            connections[index].isWriteArmed = true
            arm(index)
        }
    }

    /// Writes what is pending, as far as the socket takes it.
    /// - Returns: whether this wrote the last of it.
    func flush(_ index: UInt32) -> Bool {
        let slot = connections[index].pending
        guard slot != Connection.none, connections[index].phase != .doomed else { return false }
        statistics.sends.add(1)
        let sent = pendingOutputs[slot].write(returningTo: &outputBlocks) { transmit(index, $0) }
        guard sent >= 0 else {
            if !SystemErrorNumber.meansLater(sent) { doom(index, .failed) }
            return false
        }
        statistics.bytesWritten.add(sent)
        statistics.pendingBytes.add(-sent)
        let isAwaited = connections[index].isOutputAwaited
        guard pendingOutputs[slot].count == 0 else {
            if isAwaited { setTimer(index, milliseconds: configuration.stallMilliseconds) }
            return false
        }
        releasePending(index)
        connections[index].isWriteArmed = false
        if isAwaited {
            connections[index].isOutputAwaited = false
            deadlines.value.cancel(Int(index))
        }
        if connections[index].phase == .flushing { linger(index) } else { arm(index) }
        return true
    }

    func releasePending(_ index: UInt32) {
        let slot = connections[index].pending
        guard slot != Connection.none else { return }
        statistics.pendingBytes.add(-pendingOutputs[slot].count)
        pendingOutputs[slot].removeAll(to: &outputBlocks)
        pendingOutputs.give(slot)
        connections[index].pending = Connection.none
    }
}
