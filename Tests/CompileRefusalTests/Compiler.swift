import Foundation

/// Runs the compiler over small programs that import `Arenas`, up to where lifetimes are checked.
struct Compiler {
    struct Diagnostic: Equatable, CustomStringConvertible {
        let line: Int
        let message: String
        var description: String { "line \(line): \(message)" }
    }

    private static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Named after the process, so that test runs side by side do not write each other's module.
    private static let directory = package.appending(
        path: ".build/compile-refusal-\(ProcessInfo.processInfo.processIdentifier)")

    private var directory: URL { Compiler.directory }

    /// The package's `Arenas` as a module of its own, built once for all programs.
    static let shared = Result { try Compiler() }

    private init() throws {
        atexit { try? FileManager.default.removeItem(at: Compiler.directory) }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let folder = Compiler.package.appending(path: "Sources/Arenas").resolvingSymlinksInPath()
        let sources = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }.map(\.path)
        let outcome = try Compiler.run(
            [
                "-emit-module", "-module-name", "Arenas", "-suppress-warnings", "-swift-version", "6",
                "-enable-experimental-feature", "Lifetimes", "-strict-memory-safety",
                "-emit-module-path", directory.appending(path: "Arenas.swiftmodule").path,
            ] + sources)
        guard outcome.status == 0 else { throw Failure(output: outcome.output) }
    }

    struct Failure: Error {
        let output: String
    }

    /// The errors the compiler finds in `source`.
    func errors(in source: String, name: String) throws -> [Diagnostic] {
        let file = directory.appending(path: "\(name).swift")
        try source.write(to: file, atomically: true, encoding: .utf8)
        // Lifetimes and ownership are checked on SIL; `-typecheck` would stop before.
        let outcome = try Compiler.run([
            "-emit-sil", "-o", "/dev/null", "-module-name", "Program", "-swift-version", "6", "-suppress-warnings",
            "-enable-experimental-feature", "Lifetimes", "-I", directory.path, file.path,
        ])
        let found = outcome.output.split(separator: "\n").compactMap { line -> Diagnostic? in
            // FILE:LINE:COLUMN: error: MESSAGE
            guard line.hasPrefix(file.path + ":"), let mark = line.range(of: ": error: ") else { return nil }
            let place = line[..<mark.lowerBound].dropFirst(file.path.count + 1).split(separator: ":")
            return Diagnostic(line: Int(place[0]) ?? 0, message: String(line[mark.upperBound...]))
        }
        // A compiler that fails without naming a line did not refuse the program for what is wrong in it.
        if found.isEmpty && outcome.status != 0 { throw Failure(output: outcome.output) }
        return found
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["swiftc"] + arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}
