import Testing

@testable import HTTP

/// Generated bodies, good and broken, in any pieces.
@Suite struct ChunkedPropertyTests {
    private struct Sample {
        var wire: [UInt8] = []
        var data: [UInt8] = []

        init(_ random: inout SeededGenerator) {
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                let chunk = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let zeros = String(repeating: "0", count: Int.random(in: 0...3, using: &random))
                let size = String(chunk.count, radix: 16, uppercase: Bool.random(using: &random))
                let ending = ["", ";a", ";a=b", " ;a=\"b c\"", "\t; \u{E4}"].randomElement(using: &random) ?? ""
                wire += Array((zeros + size + ending + "\r\n").utf8) + chunk + [13, 10]
                data += chunk
            }
            let trailer = ["", "T: v\r\n", "A:\r\nB-C: \t d\u{E4} \r\n"].randomElement(using: &random) ?? ""
            wire += Array(("0\r\n" + trailer + "\r\n").utf8)
        }
    }

    @Test func whatWasWrittenIsRead() {
        var random = SeededGenerator()
        for _ in 0..<1500 {
            let sample = Sample(&random)
            let cuts = (0..<6).map { _ in Int.random(in: 0...sample.wire.count, using: &random) }.sorted()
            let body = ChunkedBody(sample.wire + Array("GET".utf8), cutAt: cuts)
            #expect(body.data == sample.data && body.consumed == sample.wire.count, "seed \(random.seed)")
            #expect(body.error == nil, "seed \(random.seed)")
            for count in stride(from: 0, to: sample.wire.count, by: 3) {
                let part = ChunkedBody(Array(sample.wire[..<count]))
                #expect(part.error == nil && part.consumed == nil, "seed \(random.seed), cut at \(count)")
            }
        }
    }

    @Test func brokenBodiesAreTheSameInAnyPieces() {
        var random = SeededGenerator()
        var refused = 0
        for _ in 0..<3000 {
            var wire = Sample(&random).wire
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<wire.count, using: &random)
                wire[index] = Array("\r\n0f;: \0\u{7F}g".utf8).randomElement(using: &random) ?? 0
            }
            let whole = ChunkedBody(wire)
            let cuts = (0..<6).map { _ in Int.random(in: 0...wire.count, using: &random) }.sorted()
            #expect(ChunkedBody(wire, cutAt: cuts) == whole, "seed \(random.seed): \(wire)")
            #expect(ChunkedBody(wire, cutAt: Array(0..<wire.count)) == whole, "seed \(random.seed): \(wire)")
            if whole.error != nil { refused += 1 }
        }
        #expect(refused > 500, "the bodies are broken")
    }

    // MARK: Framing at its bound

    private func body(extensionBytes: Int) -> ChunkedBody {
        ChunkedBody(Array(("1;" + String(repeating: "x", count: extensionBytes)).utf8))
    }

    @Test func framingUpToTheGraceIsTakenAndNotAByteMore() {
        #expect(body(extensionBytes: ChunkedDecoder.graceBytes - 2).error == nil)
        #expect(body(extensionBytes: ChunkedDecoder.graceBytes - 1).error == .chunkOverhead)
    }

    @Test func trailersUpToTheGraceAreTakenAndNotAByteMore() {
        func body(_ count: Int) -> ChunkedBody {
            ChunkedBody(Array(("0\r\nT:" + String(repeating: "x", count: count)).utf8))
        }
        #expect(body(ChunkedDecoder.graceBytes - 5).error == nil)
        #expect(body(ChunkedDecoder.graceBytes - 4).error == .malformedTrailer)
    }

    @Test func aSizeMayHaveFifteenDigits() {
        func body(_ digits: String) -> ChunkedBody { ChunkedBody(Array((digits + "\r\nx").utf8)) }
        let largest = body(String(repeating: "f", count: 15))
        #expect(largest.error == nil && largest.text == "x")
        #expect(body(String(repeating: "0", count: 16)).error == .chunkTooLarge)
    }
}
