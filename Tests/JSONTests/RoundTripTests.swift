import Arenas
import FuzzTargets
import JSON
import Testing

/// What is written reads back the same, and no bytes make the reader break its promises.
struct RoundTripTests {
    @Test func readsAnyTextAsItWasWritten() throws {
        var generator = DocumentGenerator(random: SeededGenerator(for: #function))
        for _ in 0..<3_000 {
            let text = generator.text()
            let document = written { JSONWriter.appendString(text.span, to: &$0) }
            let read = try decoded(document)
            if read != text { Issue.record("\(text) reads \(read)") }
            if document.contains(where: { $0 < 0x20 }) { Issue.record("a control character in \(document)") }
        }
    }

    @Test func readsAnyIntegerAsItWasWritten() throws {
        var random = SeededGenerator(for: #function)
        for _ in 0..<2_000 {
            let value = Int64(bitPattern: random.next()) >> Int64(random.below(64))
            var reader = JSONReader(written { JSONWriter.appendInteger(value, to: &$0) }.span)
            let read = try reader.readInteger()
            try reader.finish()
            if read != value { Issue.record("\(value) reads \(read)") }
        }
    }

    @Test func keepsItsPromisesOnAnyBytes() {
        var generator = DocumentGenerator(random: SeededGenerator(for: #function))
        for _ in 0..<1_000 {
            let document = generator.document()
            fuzzJSON(document.span)
            fuzzJSON(generator.mutated(document).span)
            fuzzJSON(generator.text().span)
        }
    }
}
