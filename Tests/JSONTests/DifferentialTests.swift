import Arenas
import CSimdjson
import FuzzTargets
import JSON
import Testing

/// The reader against simdjson's DOM parser: the same verdict, and the same decoded strings and numbers.
///
/// simdjson refuses numbers that fit neither 64 bits nor a finite double; RFC 8259 leaves their range open and the
/// reader keeps them as written. Such a refusal is excused only where the document holds such a number.
struct DifferentialTests {
    @Test func saysOfGeneratedDocumentsWhatSimdjsonSays() {
        var generator = DocumentGenerator(random: SeededGenerator(for: #function))
        var excused = 0
        for _ in 0..<3_000 {
            let document = generator.document()
            excused += expectAgreement(on: document, isValid: true) == .excused ? 1 : 0
        }
        #expect(excused < 1_000, "too few numbers in range to say much")
    }

    @Test func saysOfMutatedDocumentsWhatSimdjsonSays() {
        var generator = DocumentGenerator(random: SeededGenerator(for: #function))
        var refused = 0
        for _ in 0..<3_000 {
            let document = generator.document()
            for _ in 0..<5 {
                refused += expectAgreement(on: generator.mutated(document), isValid: nil) == .refused ? 1 : 0
            }
        }
        #expect((3_000..<14_900).contains(refused), "mutation should break many documents and leave many whole")
    }

    /// Documents of one or two strings only, so that most mutations fall into escapes and UTF-8.
    @Test func saysOfMutatedStringsWhatSimdjsonSays() {
        var generator = DocumentGenerator(random: SeededGenerator(for: #function))
        for _ in 0..<2_000 {
            let text = generator.text()
            let document = written { JSONWriter.appendString(text.span, to: &$0) }
            _ = expectAgreement(on: document, isValid: true)
            for _ in 0..<5 { _ = expectAgreement(on: generator.mutated(document), isValid: nil) }
        }
    }

    private enum Agreement { case accepted, refused, excused }

    private func expectAgreement(on document: [UInt8], isValid: Bool?) -> Agreement {
        let limit = JSONReader.maximumDepthLimit
        var ours = OutputBuffer(capacity: 256)
        var numbersInRange = true
        let error = errorOf { () throws(JSONError) in
            try walkJSON(document.span, depthLimit: limit, into: &ours) { number, tokens in
                if !appendNumber(number, to: &tokens) { numbersInRange = false }
            }
        }
        func show() -> String { "\(String(decoding: document, as: UTF8.self).debugDescription) = \(document)" }
        if verdict(document, depthLimit: limit) != error { Issue.record("validate says otherwise of \(show())") }
        if let isValid, isValid != (error == nil) { Issue.record("judged \(error as Any): \(show())") }

        var theirs = [UInt8](repeating: 0, count: 16 * document.count + 64)
        var count = 0
        let theirVerdict = unsafe csimdjson_parse(document, document.count, &theirs, theirs.count, &count)
        switch theirVerdict {
        case CSimdjsonAccepted:
            if error != nil { Issue.record("we refuse, \(error as Any): \(show())") }
            if ours.span.array != Array(theirs[..<count]) { Issue.record("read otherwise: \(show())") }
            return .accepted
        case CSimdjsonNumberOutOfRange where error == nil && !numbersInRange:
            return .excused
        default:
            if error == nil { Issue.record("we accept: \(show())") }
            return .refused
        }
    }

    /// Writes a number as the shim does, and says whether simdjson can represent it.
    private func appendNumber(_ number: Span<UInt8>, to tokens: inout OutputBuffer) -> Bool {
        let text = String(decoding: number.array, as: UTF8.self)
        if let value = Int64(text) {
            tokens.append("i")
            appendWord(UInt64(bitPattern: value), to: &tokens)
        } else if let value = UInt64(text) {
            tokens.append("u")
            appendWord(value, to: &tokens)
        } else if text.contains(where: { ".eE".contains($0) }), let value = Double(text), value.isFinite {
            tokens.append("d")
            appendWord(value.bitPattern, to: &tokens)
        } else {
            return false
        }
        return true
    }
}
