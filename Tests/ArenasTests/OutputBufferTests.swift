import Arenas
import Testing

@Suite struct OutputBufferTests {
    @Test("what is appended comes out in order, however far it grows")
    func appends() {
        var buffer = OutputBuffer(capacity: 0)
        var expected: [UInt8] = []
        for round in 0..<200 {
            buffer.append(UInt8(truncatingIfNeeded: round))
            buffer.append("abc")
            buffer.append(contentsOf: ([9, 8, 7] as [UInt8]).span)
            expected += [UInt8(truncatingIfNeeded: round)] + Array("abc".utf8) + [9, 8, 7]
        }
        #expect(buffer.count == expected.count)
        #expect(buffer.span.array == expected)
    }

    @Test("emptied, it keeps its memory; shrunk, it gives it back")
    func keepsAndShrinks() {
        var buffer = OutputBuffer(capacity: 64)
        for _ in 0..<1000 { buffer.append(1) }
        let grown = buffer.reservedBytes
        buffer.shrink(to: 64)
        #expect(buffer.reservedBytes == grown, "it holds bytes, which stay")
        buffer.removeAll()
        #expect(buffer.count == 0)
        #expect(buffer.reservedBytes == grown)
        buffer.shrink(to: 64)
        #expect(buffer.reservedBytes == 64)
        buffer.append("still good")
        #expect(buffer.count == 10)
    }

    @Test("bytes written early can be set late")
    func changesInPlace() {
        var buffer = OutputBuffer(capacity: 8)
        buffer.append("0000 rest")
        var bytes = buffer.mutableSpan
        bytes[3] = 0x37
        #expect(buffer.span.array == Array("0007 rest".utf8))
        buffer.truncate(to: 4)
        #expect(buffer.span.array == Array("0007".utf8))
    }

    @Test("truncating to more than there is traps")
    func trapsOnTruncatingForward() async {
        await #expect(processExitsWith: .failure) {
            var buffer = OutputBuffer(capacity: 8)
            buffer.truncate(to: 1)
        }
    }
}
