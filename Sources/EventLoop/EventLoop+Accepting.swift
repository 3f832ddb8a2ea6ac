import CLinux

/// How connections come in.
extension EventLoop {
    /// Connections accepted in one turn, so that a rush of them does not starve those that are there.
    private static let acceptsPerTurn = 64
    /// From a socket that all loops wait for: few, so that the others come to theirs.
    private static let sharedAcceptsPerTurn = 4
    /// How long accepting rests when descriptors have run out: others end meanwhile, and the loop does not spin.
    private static let acceptPauseNanoseconds: UInt64 = 100_000_000

    func acceptConnections(_ number: Int, _ handler: any ConnectionHandler) {
        guard listeners[number].isInherited else { return accept(number, atMost: Self.acceptsPerTurn, handler) }
        accept(number, atMost: Self.sharedAcceptsPerTurn, handler)
        // The system wakes the loop that has waited for this socket for longest; without this it were always the same.
        if listenerPausedUntil == nil { waitAnew(number) }
    }

    private func accept(_ number: Int, atMost count: Int, _ handler: any ConnectionHandler) {
        for _ in 0..<count {
            let (descriptor, peer) = SystemCalls.accept(listeners[number].descriptor)
            if descriptor < 0 {
                switch -descriptor {
                case SystemErrorNumber.wouldBlock: return
                // A peer that went while it was queued; the next may be well.
                case SystemErrorNumber.connectionAborted, SystemErrorNumber.interrupted: continue
                default:
                    statistics.acceptErrors.add(1)
                    return pauseListeners()
                }
            }
            guard shared.takeConnection(limit: configuration.maximumConnections) else {
                statistics.refused.add(1)
                refuse(descriptor, number)
                continue
            }
            acceptedAddress = peer
            admit(descriptor, number, handler)
        }
    }

    /// What the peer has sent is read first: closing a socket with unread bytes would reset the refusal away.
    private func refuse(_ descriptor: Int32, _ number: Int) {
        if listeners[number].credentials == nil {
            _ = scratch.receive(descriptor)
            _ = SystemCalls.send(descriptor, configuration.refusal)
            _ = postern_shutdown_sending(descriptor)
        }
        _ = postern_close(descriptor)
    }

    private func admit(_ descriptor: Int32, _ number: Int, _ handler: any ConnectionHandler) {
        let index = takeSlot()
        connections[index].descriptor = descriptor
        connections[index].phase = .open
        connections[index].listener = UInt8(number)
        let id = ConnectionID(index: index, generation: connections[index].generation)
        statistics.accepted.add(1)
        statistics.open.add(1)
        guard postern_epoll_add(epoll.number, descriptor, POSTERN_READ.rawValue, id.packed) >= 0 else {
            connections[index].isHandlerDone = true
            return doom(index, .failed)
        }
        handler.opened(id)
        guard connections[index].phase == .open else { return }
        if listeners[number].hasPreface {
            connections[index].stage = .preface
        } else if listeners[number].credentials != nil {
            beginSession(index)
        }
    }

    private func takeSlot() -> UInt32 {
        if firstFree == Connection.none {
            let begin = connections.count
            connections.grow()
            for index in (begin..<connections.count).reversed() {
                connections[index].next = firstFree
                firstFree = index
            }
        }
        let index = firstFree
        firstFree = connections[index].next
        let generation = connections[index].generation
        connections[index] = Connection()
        connections[index].generation = generation
        return index
    }

    /// Out of descriptors: the listener would be ready for ever, so it rests a while.
    func pauseListeners() {
        for listener in listeners { _ = postern_epoll_remove(epoll.number, listener.descriptor) }
        listenerPausedUntil = nowNanoseconds + Self.acceptPauseNanoseconds
    }

    func resumeListenersIfDue() {
        guard let until = listenerPausedUntil, nowNanoseconds >= until else { return }
        do throws(SystemError) {
            try watchListeners()
            listenerPausedUntil = nil
        } catch {
            // Short of kernel memory too; there is nothing to do but rest again.
            for listener in listeners { _ = postern_epoll_remove(epoll.number, listener.descriptor) }
            listenerPausedUntil = nowNanoseconds + Self.acceptPauseNanoseconds
        }
    }

    /// Takes what waits at our own sockets, which closing them would reset. What waits at an inherited one stays there
    /// for the process that comes next.
    func acceptQueued(_ handler: any ConnectionHandler) {
        for number in listeners.indices where !listeners[number].isInherited {
            // No more often than the queue is long: a rush of newcomers must not keep us from ending.
            for _ in 0...Int(configuration.backlog) / Self.acceptsPerTurn {
                let before = statistics.acceptedTotal + statistics.refusedTotal
                acceptConnections(number, handler)
                let taken = statistics.acceptedTotal + statistics.refusedTotal - before
                if taken < Self.acceptsPerTurn || listenerPausedUntil != nil { break }
            }
        }
    }

    func closeListeners() {
        // Closing takes our own out of epoll, but not a socket that others hold open too.
        if listenerPausedUntil == nil {
            for listener in listeners { _ = postern_epoll_remove(epoll.number, listener.descriptor) }
        }
        listenerPausedUntil = nil
        listeners.removeAll()
    }
}
