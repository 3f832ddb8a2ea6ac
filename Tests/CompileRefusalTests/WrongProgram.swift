import Testing

/// A program the compiler must refuse, and its twin that it must accept.
///
/// Lines that end in `// wrong` stand in the wrong program only, those in `// right` in the twin only.
/// `// refused: TEXT` marks a line with an error, whose message contains TEXT.
struct WrongProgram: CustomTestStringConvertible {
    let name: String
    let lines: [Substring]

    init(_ name: String, _ body: String) {
        self.name = name
        self.lines = (WrongProgram.prelude + body).split(separator: "\n", omittingEmptySubsequences: false)
    }

    var testDescription: String { name }
    var fileName: String { name.filter { $0.isLetter || $0 == " " }.replacing(" ", with: "-") }

    var wrong: String { lines.map { $0.contains("// right") ? "" : $0 }.joined(separator: "\n") }
    var twin: String { lines.map { $0.contains("// wrong") ? "" : $0 }.joined(separator: "\n") }

    /// The lines of the errors, from 1, and what their messages contain.
    var refusals: [Compiler.Diagnostic] {
        zip(1..., lines).compactMap { number, line in
            line.firstRange(of: "refused: ").map {
                Compiler.Diagnostic(line: number, message: String(line[$0.upperBound...]))
            }
        }
    }

    private static let prelude = """
        import Arenas
        func use(_ view: Span<UInt8>) {}
        func run(_ body: @escaping () -> Void) {}
        func decode(_ arena: borrowing ScopedArena, _ bytes: Span<UInt8>) throws -> Int { try arena.copy(bytes).count }

        """
}
