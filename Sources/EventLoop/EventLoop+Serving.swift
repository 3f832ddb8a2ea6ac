import CLinux

/// What becomes of what epoll reports.
extension EventLoop {
    func serve(_ id: ConnectionID, _ reported: UInt32, _ handler: any ConnectionHandler) {
        guard isCurrent(id) else { return }
        let index = id.index
        if reported & POSTERN_WRITE.rawValue != 0 {
            let isDrained = flush(id.index)
            if isDrained, connections[index].phase == .open { handler.outputDrained(id) }
        }
        guard connections[index].phase != .doomed else { return }
        let isBroken = reported & (POSTERN_ERROR.rawValue | POSTERN_HANG_UP.rawValue) != 0
        if connections[index].isReadingPaused || connections[index].isEndRead {
            // Nothing is to be read that would tell it, and epoll would go on reporting it.
            if isBroken {
                doom(id.index, .failed)
            } else if reported & POSTERN_PEER_CLOSED.rawValue != 0 {
                tellEnd(id, handler)
            }
        } else if isBroken || reported & POSTERN_READ.rawValue != 0 || connections[index].stage == .handshake {
            read(id, handler)
        }
    }

    func read(_ id: ConnectionID, _ handler: any ConnectionHandler) {
        let index = id.index
        switch connections[index].stage {
        case .established: break
        case .preface: return readPreface(id, handler)
        case .handshake where connections[index].phase == .open:
            guard shakeHands(index) else { return }
        // Nobody waits for what it would say.
        case .handshake: break
        }
        statistics.receives.add(1)
        let count = receive(index)
        if count > 0 {
            statistics.bytesRead.add(count)
            if connections[index].phase == .open { scratch.withBytes(count) { handler.received(id, $0) } }
        } else if count == 0 {
            connections[index].isEndRead = true
            if connections[index].phase == .lingering { doom(id.index, .finished) } else { tellEnd(id, handler) }
        } else if !SystemErrorNumber.meansLater(count) {
            doom(id.index, connections[index].phase == .lingering ? .finished : .failed)
        }
    }

    func tellEnd(_ id: ConnectionID, _ handler: any ConnectionHandler) {
        let isNews = !connections[id.index].isEndTold || connections[id.index].isEndRead
        connections[id.index].isEndTold = true
        // A socket at its end is ready for ever; it is not to be asked again.
        arm(id.index)
        if isNews, connections[id.index].phase == .open { handler.peerFinishedSending(id) }
    }

    func deadlineReached(_ index: UInt32, _ handler: any ConnectionHandler) {
        switch connections[index].phase {
        case .open where connections[index].isOutputAwaited: doom(index, .slowReader)
        case .open:
            // What arrived in this very turn counts: a request is served rather than lost to the end of its connection.
            if isDraining, readAtDeadline(index, handler) { return }
            handler.deadlineReached(ConnectionID(index: index, generation: connections[index].generation))
        case .flushing: doom(index, .slowReader)
        case .lingering: doom(index, .finished)
        case .free, .doomed: break
        }
    }

    /// Reads once more before a connection is ended for having been silent.
    /// - Returns: whether that made an end of it, or gave it another deadline.
    private func readAtDeadline(_ index: UInt32, _ handler: any ConnectionHandler) -> Bool {
        guard connections[index].stage == .established, !connections[index].isReadingPaused,
            !connections[index].isEndRead
        else { return false }
        read(ConnectionID(index: index, generation: connections[index].generation), handler)
        return connections[index].phase != .open || deadlines.value.isSet(Int(index))
    }

    func isCurrent(_ id: ConnectionID) -> Bool {
        id.index < connections.count && connections[id.index].generation == id.generation
            && connections[id.index].phase != .free
    }

    /// Tells epoll what the connection wants now.
    func arm(_ index: UInt32) {
        let connection = connections[index]
        var interest: UInt32 = 0
        if !connection.isEndRead {
            if !connection.isReadingPaused {
                interest = POSTERN_READ.rawValue
            } else if !connection.isEndTold {
                interest = POSTERN_PEER_CLOSED.rawValue
            }
        }
        if connection.isWriteArmed { interest |= POSTERN_WRITE.rawValue }
        let id = ConnectionID(index: index, generation: connection.generation)
        _ = postern_epoll_modify(epoll.number, connection.descriptor, interest, id.packed)
    }

    // MARK: Ending

    /// Marks a connection to be closed before the turn ends: handlers are never called from inside their own calls.
    func doom(_ index: UInt32, _ reason: CloseReason) {
        guard connections[index].phase != .doomed, connections[index].phase != .free else { return }
        connections[index].phase = .doomed
        connections[index].reason = reason
        connections[index].next = firstDoomed
        firstDoomed = index
    }

    func reap(_ handler: any ConnectionHandler) {
        while firstDoomed != Connection.none {
            let index = firstDoomed
            firstDoomed = connections[index].next
            let id = ConnectionID(index: index, generation: connections[index].generation)
            if !connections[index].isHandlerDone { handler.closed(id, connections[index].reason) }
            deadlines.value.cancel(Int(index))
            releasePending(index)
            endSession(index)
            // Closing takes the descriptor out of epoll.
            _ = postern_close(connections[index].descriptor)
            statistics.open.add(-1)
            statistics.closed(connections[index].reason).add(1)
            shared.giveConnection()
            connections[index].phase = .free
            // No name is all zeros, which others may keep for none.
            connections[index].generation = max(1, connections[index].generation &+ 1)
            connections[index].next = firstFree
            firstFree = index
        }
    }
}

/// errno values this module tells apart.
enum SystemErrorNumber {
    static let interrupted: Int32 = 4
    static let wouldBlock: Int32 = 11
    static let connectionAborted: Int32 = 103

    /// Whether a negated errno says no more than "not now".
    static func meansLater(_ result: Int) -> Bool {
        Int32(-result) == wouldBlock || Int32(-result) == interrupted
    }
}
