import CLinux

/// What a handler does with a connection. All on the loop's own thread; a name that is stale does nothing.
extension EventLoop {
    /// Writes `bytes`: at once as far as the socket takes them, the rest, copied, as it does so.
    ///
    /// A peer that lets more pile up than it may is cut off (`CloseReason.slowReader`).
    public func send(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        guard isOpen(id), bytes.count > 0 else { return }
        guard connections[id.index].pending == Connection.none else { return hold(id.index, bytes) }
        statistics.sends.add(1)
        let sent = transmit(id.index, bytes)
        if sent == bytes.count {
            statistics.bytesWritten.add(sent)
        } else if sent >= 0 {
            statistics.bytesWritten.add(sent)
            hold(id.index, bytes.extracting(sent..<bytes.count))
        } else if SystemErrorNumber.meansLater(sent) {
            hold(id.index, bytes)
        } else {
            doom(id.index, .failed)
        }
    }

    /// Ends the connection once all that was sent is written. The handler hears of it no more.
    public func closeAfterFlush(_ id: ConnectionID) {
        guard isOpen(id) else { return }
        connections[id.index].isHandlerDone = true
        connections[id.index].phase = .flushing
        if connections[id.index].pending == Connection.none {
            linger(id.index)
        } else {
            awaitOutput(id.index)
            // The peer may read only when all it sends is taken; what still comes is read and dropped.
            if connections[id.index].isReadingPaused {
                connections[id.index].isReadingPaused = false
                arm(id.index)
            }
        }
    }

    /// Ends the connection now; the handler hears `closed` before the turn ends.
    public func abort(_ id: ConnectionID, _ reason: CloseReason = .finished) {
        guard isCurrent(id) else { return }
        doom(id.index, reason)
    }

    /// Sets the connection's one deadline, from the turn's time; it is never early, and late by some 10 ms at most
    /// where the loop is not busy.
    public func setDeadline(_ id: ConnectionID, milliseconds: Int) {
        guard isOpen(id) else { return }
        connections[id.index].isOutputAwaited = false
        setTimer(id.index, milliseconds: UInt64(max(0, milliseconds)))
    }

    /// Gives a peer that has yet to take something `stallMilliseconds` for each piece of it, and for all of it as long
    /// and a second for each `minimumReadBytesPerSecond`, in place of the connection's deadline; one that takes less
    /// is cut off (`CloseReason.slowReader`). Once all is taken there is no deadline any more.
    public func awaitOutput(_ id: ConnectionID) {
        guard isOpen(id), connections[id.index].pending != Connection.none else { return }
        awaitOutput(id.index)
    }

    /// The number of the address it came in at.
    public func listener(of id: ConnectionID) -> Int { isCurrent(id) ? Int(connections[id.index].listener) : 0 }

    public func clearDeadline(_ id: ConnectionID) {
        guard isOpen(id) else { return }
        connections[id.index].isOutputAwaited = false
        deadlines.value.cancel(Int(id.index))
    }

    /// Reads no more for now; that the peer goes away is still noticed.
    public func pauseReading(_ id: ConnectionID) { setReading(id, isPaused: true) }

    public func resumeReading(_ id: ConnectionID) { setReading(id, isPaused: false) }

    /// Whether the peer has yet to take something.
    public func hasPendingOutput(_ id: ConnectionID) -> Bool {
        isCurrent(id) && connections[id.index].pending != Connection.none
    }

    /// Whether all that the peer sent was read, and it will send nothing more.
    public func hasReadEnd(_ id: ConnectionID) -> Bool { isCurrent(id) && connections[id.index].isEndRead }

    /// The open connection at an index of this loop; nil where there is none. For walks over all of them.
    public func connection(at index: Int) -> ConnectionID? {
        guard let index = UInt32(exactly: index), index < connections.count, connections[index].phase == .open
        else { return nil }
        return ConnectionID(index: index, generation: connections[index].generation)
    }

    private func isOpen(_ id: ConnectionID) -> Bool {
        isCurrent(id) && connections[id.index].phase == .open
    }

    private func setReading(_ id: ConnectionID, isPaused: Bool) {
        guard isOpen(id), connections[id.index].isReadingPaused != isPaused else { return }
        connections[id.index].isReadingPaused = isPaused
        if !isPaused { noteReady(id.index) }
        arm(id.index)
    }

    private func awaitOutput(_ index: UInt32) {
        // Who is awaited already has no more time for being asked again.
        guard !connections[index].isOutputAwaited else { return }
        connections[index].isOutputAwaited = true
        pendingOutputs[connections[index].pending].beginAwait(nowNanoseconds)
        setTimer(index, milliseconds: configuration.stallMilliseconds)
    }

    /// The peer took some: it has time for more, as far as it was not too slow over all.
    func extendAwait(_ index: UInt32) {
        let slot = connections[index].pending
        let taken = UInt64(pendingOutputs[slot].awaitedAndTaken)
        let earned = taken * 1000 / UInt64(configuration.minimumReadBytesPerSecond)
        let spent = (nowNanoseconds &- pendingOutputs[slot].awaitedSince) / 1_000_000
        let allowed = configuration.stallMilliseconds + earned
        guard spent < allowed else { return doom(index, .slowReader) }
        setTimer(index, milliseconds: min(configuration.stallMilliseconds, allowed - spent))
    }

    /// From the turn's time, rounded up.
    func setTimer(_ index: UInt32, milliseconds: UInt64) {
        deadlines.value.set(Int(index), atMilliseconds: (nowNanoseconds + 999_999) / 1_000_000 + milliseconds)
    }

    /// Closing a socket with unread bytes would reset the connection, and the peer might lose our last reply: our side
    /// is shut first, and what still comes is read and dropped for a while.
    func linger(_ index: UInt32) {
        shutdownSession(index)
        guard !connections[index].isEndRead,
            postern_shutdown_sending(connections[index].descriptor) >= 0
        else { return doom(index, .finished) }
        connections[index].phase = .lingering
        connections[index].isReadingPaused = false
        // A handshake that waited to write is given up.
        connections[index].isWriteArmed = false
        setTimer(
            index,
            milliseconds: isDraining ? configuration.drainLingerMilliseconds : configuration.lingerMilliseconds)
        arm(index)
    }
}
