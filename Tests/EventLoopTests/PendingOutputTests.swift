import CLinux
import Glibc
import Testing

@testable import EventLoop

@Suite struct PendingOutputTests {
    private static let payloadBytes = OutputBlocks.blockBytes - OutputBlocks.headerBytes

    /// What a peer reads is what was appended, whatever the sizes, and every block comes back.
    @Test func bytesComeOutWholeAndInOrder() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(state: seed)
        let pair = SocketPair()
        var blocks = OutputBlocks()
        var output = PendingOutput()
        let bytes = pattern(1 << 20)
        var appended = 0
        var received: [UInt8] = []
        while received.count < bytes.count {
            // Sizes about the edges of a block among them.
            let edge = Self.payloadBytes - 1 + Int(random.below(3))
            let size = min(random.below(2) == 0 ? edge : Int(random.below(40_000)), bytes.count - appended)
            output.hold(bytes.span.extracting(appended..<appended + size), from: &blocks)
            appended += size
            _ = output.send(to: pair.writer, returningTo: &blocks)
            received += pair.read(upTo: Int(random.below(50_000)) + 1)
        }
        #expect(isSame(received, bytes), "seed \(seed)")
        #expect(output.count == 0 && blocks.lentCount == 0)
    }

    @Test func aPeerThatIsNeverAllServedHoldsNoMoreThanIsUnsent() {
        let pair = SocketPair()
        var blocks = OutputBlocks()
        var output = PendingOutput()
        let piece = pattern(10_000)
        // Fill the socket, and have some pending behind it.
        while output.count < 200_000 {
            output.hold(piece.span, from: &blocks)
            _ = output.send(to: pair.writer, returningTo: &blocks)
        }
        for _ in 0..<2000 {
            output.hold(piece.span, from: &blocks)
            while output.count > 200_000 {
                _ = pair.read(upTo: 10_000)
                _ = output.send(to: pair.writer, returningTo: &blocks)
            }
            // The first and the last block may be partly used.
            #expect(blocks.lentCount <= output.count / Self.payloadBytes + 2)
        }
        output.removeAll(to: &blocks)
        #expect(blocks.lentCount == 0)
    }

    @Test func idleBlocksAreKeptUpToABound() {
        var blocks = OutputBlocks()
        var output = PendingOutput()
        let bytes = pattern(Self.payloadBytes * (OutputBlocks.keptBlocks + 20))
        output.hold(bytes.span, from: &blocks)
        #expect(blocks.lentCount == OutputBlocks.keptBlocks + 20 && blocks.idleCount == 0)
        output.removeAll(to: &blocks)
        #expect(blocks.lentCount == 0 && blocks.idleCount == OutputBlocks.keptBlocks)
        output.hold(bytes.span.extracting(0..<1), from: &blocks)
        #expect(blocks.idleCount == OutputBlocks.keptBlocks - 1)
        output.removeAll(to: &blocks)
    }

    @Test func aBrokenSocketIsTold() {
        let pair = SocketPair()
        pair.closeReader()
        var blocks = OutputBlocks()
        var output = PendingOutput()
        output.hold("lost".utf8Span.span, from: &blocks)
        #expect(output.send(to: pair.writer, returningTo: &blocks) == -Int(EPIPE))
        #expect(output.count == 4)
        output.removeAll(to: &blocks)
    }
}

/// Two connected sockets that never block.
// unsafe: system calls on local buffers.
private final class SocketPair {
    let writer: Int32
    private let reader: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let result = unsafe socketpair(AF_UNIX, kind, 0, &ends)
        precondition(result == 0)
        writer = ends[0]
        reader = ends[1]
    }

    deinit {
        close(writer)
        close(reader)
    }

    func closeReader() { shutdown(reader, Int32(SHUT_RDWR)) }

    func read(upTo count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, unsafe recv(reader, buffer.baseAddress!, count, 0))
        }
    }
}

extension PendingOutput {
    /// Sends as much as a socket takes; how much that was, or a negated errno.
    fileprivate mutating func send(to descriptor: Int32, returningTo blocks: inout OutputBlocks) -> Int {
        var total = 0
        while count > 0 {
            let sent = SystemCalls.send(descriptor, firstPiece)
            guard sent >= 0 else { return total > 0 ? total : sent }
            total += sent
            dropFirst(sent, to: &blocks)
        }
        return total
    }

    fileprivate mutating func hold(_ bytes: Span<UInt8>, from blocks: inout OutputBlocks) {
        if !append(bytes, from: &blocks) { Issue.record("there is no memory for \(bytes.count) bytes") }
    }
}
