import Arenas
import CLinux

/// What a handler does with a connection. All on the loop's own thread; a name that is stale does nothing.
extension EventLoop {
    /// Writes `bytes`: at once as far as the socket takes them, the rest, copied, as it does so.
    ///
    /// A peer that lets more pile up than it may is cut off (`CloseReason.slowReader`).
    public func send(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        guard isCurrent(id), connections[Int(id.index)].phase == .open, bytes.count > 0 else { return }
        guard connections[Int(id.index)].pending == Connection.none else { return hold(id.index, bytes) }
        statistics.sends.add(1)
        let sent = SystemCalls.send(connections[Int(id.index)].descriptor, bytes)
        if sent == bytes.count {
            statistics.bytesWritten.add(sent)
        } else if sent >= 0 {
            statistics.bytesWritten.add(sent)
            hold(id.index, bytes.extracting(sent..<bytes.count))
        } else if Int32(-sent) == SystemErrorNumber.wouldBlock || Int32(-sent) == SystemErrorNumber.interrupted {
            hold(id.index, bytes)
        } else {
            doom(id.index, .failed)
        }
    }

    /// Ends the connection once all that was sent is written. The handler hears of it no more.
    public func closeAfterFlush(_ id: ConnectionID) {
        guard isCurrent(id), connections[Int(id.index)].phase == .open else { return }
        connections[Int(id.index)].phase = .flushing
        connections[Int(id.index)].isHandlerDone = true
        setTimer(id.index, milliseconds: configuration.lingerMilliseconds)
        if connections[Int(id.index)].pending == Connection.none { linger(id.index) }
    }

    /// Ends the connection now; the handler hears `closed`.
    public func abort(_ id: ConnectionID, _ reason: CloseReason = .finished) {
        guard isCurrent(id) else { return }
        doom(id.index, reason)
    }

    /// Sets the connection's one deadline, from now.
    public func setDeadline(_ id: ConnectionID, milliseconds: Int) {
        guard isCurrent(id), connections[Int(id.index)].phase == .open else { return }
        setTimer(id.index, milliseconds: UInt64(milliseconds))
    }

    public func clearDeadline(_ id: ConnectionID) {
        guard isCurrent(id), connections[Int(id.index)].phase == .open else { return }
        deadlines.cancel(Int(id.index))
    }

    /// Reads no more for now; that the peer goes away is still noticed.
    public func pauseReading(_ id: ConnectionID) { setReading(id, isPaused: true) }

    public func resumeReading(_ id: ConnectionID) { setReading(id, isPaused: false) }

    /// Whether the peer has yet to take something.
    public func hasPendingOutput(_ id: ConnectionID) -> Bool {
        isCurrent(id) && connections[Int(id.index)].pending != Connection.none
    }

    private func setReading(_ id: ConnectionID, isPaused: Bool) {
        guard isCurrent(id), connections[Int(id.index)].phase == .open,
            connections[Int(id.index)].isReadingPaused != isPaused
        else { return }
        connections[Int(id.index)].isReadingPaused = isPaused
        arm(id.index)
    }

    private func setTimer(_ index: UInt32, milliseconds: UInt64) {
        deadlines.set(Int(index), atMilliseconds: nowNanoseconds / 1_000_000 + milliseconds)
    }

    // MARK: Pending output

    private func hold(_ index: UInt32, _ bytes: Span<UInt8>) {
        if connections[Int(index)].pending == Connection.none {
            connections[Int(index)].pending = pendingOutputs.take { PendingOutput() }
            connections[Int(index)].isWriteArmed = true
            arm(index)
        }
        let slot = connections[Int(index)].pending
        let held = pendingOutputs[slot].buffer.count - pendingOutputs[slot].sent
        guard held + bytes.count <= configuration.maximumPendingBytes,
            statistics.pendingBytes.value + bytes.count <= configuration.maximumPendingBytesPerLoop
        else { return doom(index, .slowReader) }
        pendingOutputs[slot].buffer.append(contentsOf: bytes)
        statistics.pendingBytes.add(bytes.count)
    }

    /// Writes what is pending, as far as the socket takes it.
    func flush(_ index: UInt32) {
        let slot = connections[Int(index)].pending
        guard slot != Connection.none, connections[Int(index)].phase != .doomed else { return }
        statistics.sends.add(1)
        let sent = pendingOutputs[slot].write(to: connections[Int(index)].descriptor)
        guard sent >= 0 else {
            let isBusy = Int32(-sent) == SystemErrorNumber.wouldBlock || Int32(-sent) == SystemErrorNumber.interrupted
            if !isBusy { doom(index, .failed) }
            return
        }
        statistics.bytesWritten.add(sent)
        statistics.pendingBytes.add(-sent)
        guard pendingOutputs[slot].isWritten else { return }
        releasePending(index)
        connections[Int(index)].isWriteArmed = false
        if connections[Int(index)].phase == .flushing { linger(index) } else { arm(index) }
    }

    func releasePending(_ index: UInt32) {
        let slot = connections[Int(index)].pending
        guard slot != Connection.none else { return }
        statistics.pendingBytes.add(pendingOutputs[slot].sent - pendingOutputs[slot].buffer.count)
        pendingOutputs[slot].buffer.removeAll()
        pendingOutputs[slot].buffer.shrink(to: 4096)
        pendingOutputs[slot].sent = 0
        pendingOutputs.give(slot)
        connections[Int(index)].pending = Connection.none
    }

    /// Closing a socket with unread bytes would reset the connection, and the peer might lose our last reply: our side
    /// is shut first, and what still comes is read and dropped for a while.
    private func linger(_ index: UInt32) {
        guard !connections[Int(index)].hasPeerFinished, postern_shutdown_sending(connections[Int(index)].descriptor) >= 0
        else { return doom(index, .finished) }
        connections[Int(index)].phase = .lingering
        connections[Int(index)].reason = .finished
        connections[Int(index)].isReadingPaused = false
        arm(index)
    }
}
