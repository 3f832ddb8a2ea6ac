/// Output that has to wait for its peer.
extension EventLoop {
    func hold(_ index: UInt32, _ bytes: Span<UInt8>) {
        let slot = connections[index].pending
        let held = slot == Connection.none ? 0 : pendingOutputs[slot].count
        guard held + bytes.count <= configuration.maximumPendingBytes,
            statistics.pendingOutputBytes + bytes.count <= configuration.maximumPendingBytesPerLoop
        else { return doom(index, .slowReader) }
        if slot != Connection.none { return append(index, bytes) }
        connections[index].pending = pendingOutputs.take { PendingOutput() }
        append(index, bytes)
        connections[index].isWriteArmed = true
        arm(index)
    }

    private func append(_ index: UInt32, _ bytes: Span<UInt8>) {
        let slot = connections[index].pending
        let held = pendingOutputs[slot].count
        // Where the system has no memory left, it is those who do not read that go.
        if !pendingOutputs[slot].append(bytes, from: &outputBlocks) { doom(index, .slowReader) }
        statistics.pendingBytes.add(pendingOutputs[slot].count - held)
    }

    /// Writes what is pending, as far as the socket takes it.
    /// - Returns: whether this wrote the last of it.
    func flush(_ index: UInt32) -> Bool {
        let slot = connections[index].pending
        guard slot != Connection.none, connections[index].phase != .doomed else { return false }
        statistics.sends.add(1)
        let sent = pendingOutputs[slot].write(to: index, of: self)
        guard sent >= 0 else {
            if !SystemErrorNumber.meansLater(sent) { doom(index, .failed) }
            return false
        }
        statistics.bytesWritten.add(sent)
        statistics.pendingBytes.add(-sent)
        let isAwaited = connections[index].isOutputAwaited
        guard pendingOutputs[slot].count == 0 else {
            if isAwaited { extendAwait(index) }
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

extension PendingOutput {
    /// Writes what the connection's socket takes, at most `OutputBlocks.blocksPerWrite` blocks, and gives those back that
    /// are done.
    /// - Returns: bytes written, or a negated errno where there were none.
    fileprivate mutating func write(to index: UInt32, of loop: EventLoop) -> Int {
        var total = 0
        for _ in 0..<OutputBlocks.blocksPerWrite where count > 0 {
            let available = firstPiece.count
            let sent = loop.transmit(index, firstPiece)
            guard sent >= 0 else { return total > 0 ? total : sent }
            total += sent
            dropFirst(sent, to: &loop.outputBlocks)
            guard sent == available else { break }
        }
        return total
    }
}
