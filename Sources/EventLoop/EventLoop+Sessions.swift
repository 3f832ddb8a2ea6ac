import Arenas
import CLinux
import TLS

extension TLSSession {
    fileprivate func receive(into scratch: borrowing ReadScratch) -> (count: Int, hasMore: Bool) {
        scratch.receive(self)
    }
}

/// TLS: how it begins and ends on a connection, and how bytes pass it. Connections without it pass here too.
extension EventLoop {
    /// What comes before all else: bytes of known number for the handler, read to the last of them and no further.
    func readPreface(_ id: ConnectionID, _ handler: any ConnectionHandler) {
        let index = id.index
        guard var wanted = handler.preface(id, Span()) else { return doom(index, .failed) }
        while wanted > 0 {
            statistics.receives.add(1)
            let count = scratch.receive(connections[index].descriptor, atMost: wanted)
            if count == 0 { return doom(index, .peerClosed) }
            if count < 0 {
                if !SystemErrorNumber.meansLater(count) { doom(index, .failed) }
                return
            }
            statistics.bytesRead.add(count)
            var next: Int?
            scratch.withBytes(count) { next = handler.preface(id, $0) }
            guard let next else { return doom(index, .failed) }
            wanted = next
        }
        connections[index].stage = .established
        // The listeners themselves may be closed by now.
        if configuration.listeners[Int(connections[index].listener)].credentials != nil { beginSession(index) }
    }

    func beginSession(_ index: UInt32) {
        let number = Int(connections[index].listener)
        guard let credentials = configuration.listeners[number].credentials,
            let session = credentials.context.makeSession(on: connections[index].descriptor)
        else { return doom(index, .failed) }
        let slot = sessions.take { nil }
        sessions[slot] = consume session
        connections[index].session = slot
        connections[index].stage = .handshake
    }

    /// Goes on with the handshake.
    /// - Returns: whether it is done and there are bytes to be read.
    func shakeHands(_ index: UInt32) -> Bool {
        let slot = connections[index].session
        guard let step = sessions.withElement(at: slot, { $0?.handshake() }) else { return false }
        switch step {
        case .established:
            wantWriting(index, false)
            connections[index].stage = .established
            statistics.handshakes.add(1)
            if sessions[slot]?.isResumed == true { statistics.resumedHandshakes.add(1) }
            return sessions[slot]?.hasPending == true
        case .wantsRead:
            wantWriting(index, false)
            return false
        case .wantsWrite:
            wantWriting(index, true)
            return false
        case .plainHTTP:
            _ = SystemCalls.send(connections[index].descriptor, configuration.plainRefusal)
            statistics.failedHandshakes.add(1)
            endSession(index)
            linger(index)
            return false
        case .refused, .ended:
            statistics.failedHandshakes.add(1)
            doom(index, .failed)
            return false
        }
    }

    /// Asks epoll whether the socket takes more, as long as the handshake wants to know: no longer, or it would report a
    /// socket that takes more for ever.
    private func wantWriting(_ index: UInt32, _ isWanted: Bool) {
        guard connections[index].isWriteArmed != isWanted else { return }
        connections[index].isWriteArmed = isWanted
        arm(index)
    }

    /// Reads into the scratch; the count, 0 at the end, or a negated errno.
    func receive(_ index: UInt32) -> Int {
        let slot = connections[index].session
        // What still comes to a connection that ends is dropped, whatever it says.
        guard slot != Connection.none, connections[index].phase == .open else {
            return scratch.receive(connections[index].descriptor)
        }
        guard let received = sessions.withElement(at: slot, { $0?.receive(into: scratch) }) else { return 0 }
        if received.hasMore { noteReady(index) }
        return received.count
    }

    /// Sends bytes; how many were taken, or a negated errno.
    func transmit(_ index: UInt32, _ bytes: Span<UInt8>) -> Int {
        // There is nobody yet to say it to.
        guard connections[index].stage == .established else { return bytes.count }
        let slot = connections[index].session
        guard slot != Connection.none else { return SystemCalls.send(connections[index].descriptor, bytes) }
        var total = 0
        while total < bytes.count {
            let rest = bytes.extracting(total..<bytes.count)
            let sent = sessions.withElement(at: slot) { $0?.write(rest) } ?? 0
            guard sent > 0 else { return total > 0 ? total : sent }
            total += sent
        }
        return total
    }

    /// Has a connection be read in the next turn, where its session has bytes already.
    func noteReady(_ index: UInt32) {
        let slot = connections[index].session
        guard slot != Connection.none, !connections[index].isReady else { return }
        connections[index].isReady = true
        connections[index].nextReady = firstReady
        firstReady = index
        requestTurn()
    }

    /// Reads what sessions have.
    func readReady(_ handler: any ConnectionHandler) {
        var next = firstReady
        firstReady = Connection.none
        while next != Connection.none {
            let index = next
            next = connections[index].nextReady
            connections[index].isReady = false
            guard connections[index].phase == .open, !connections[index].isReadingPaused,
                !connections[index].isEndRead
            else { continue }
            read(ConnectionID(index: index, generation: connections[index].generation), handler)
        }
    }

    func shutdownSession(_ index: UInt32) {
        let slot = connections[index].session
        guard slot != Connection.none, connections[index].stage == .established else { return }
        sessions.withElement(at: slot) { $0?.shutdown() }
    }

    func endSession(_ index: UInt32) {
        let slot = connections[index].session
        guard slot != Connection.none else { return }
        if connections[index].isReady { leaveReady(index) }
        sessions[slot] = nil
        sessions.give(slot)
        connections[index].session = Connection.none
    }

    private func leaveReady(_ index: UInt32) {
        connections[index].isReady = false
        guard firstReady != index else {
            firstReady = connections[index].nextReady
            return
        }
        var before = firstReady
        while before != Connection.none, connections[before].nextReady != index {
            before = connections[before].nextReady
        }
        if before != Connection.none { connections[before].nextReady = connections[index].nextReady }
    }
}
