import Foundation
import Testing

/// The house's rules, held against the sources as they stand.
@Suite struct LayeringTests {
    /// What each target may import: what stands below it, and nothing beside it.
    static let allowed: [String: Set<String>] = [
        "Arenas": ["Glibc", "Synchronization"],
        "JSON": ["Arenas"],
        "HTTP": ["Arenas"],
        "PubSub": ["Arenas", "Glibc", "Synchronization"],
        "Clients": ["Arenas", "Synchronization"],
        "SegmentLog": ["Arenas", "CChecksum", "CLinux", "Glibc", "PubSub", "Synchronization"],
        "Access": ["Arenas", "COpenSSL", "Glibc", "JSON", "PubSub", "Synchronization"],
        "TLS": ["COpenSSL", "Synchronization"],
        "EventLoop": ["Arenas", "CLinux", "Glibc", "Synchronization", "TLS"],
        "Telemetry": ["Logging", "CSystemd", "Glibc", "Synchronization"],
        "Gateway": [
            "Arenas", "JSON", "HTTP", "PubSub", "SegmentLog", "EventLoop", "TLS", "Access", "Clients", "Telemetry",
            "Synchronization",
        ],
        "GatewayTesting": ["Gateway", "Glibc"],
        "Configuration": ["CTOML"],
        "PosternClient": ["Arenas", "CCurl", "Glibc", "JSON", "Synchronization"],
        "postern": [
            "Configuration", "PosternClient", "CLinux", "Synchronization", "Gateway", "PubSub", "SegmentLog", "TLS",
            "Access", "Clients",
            "Telemetry", "CSystemd", "ArgumentParser",
            "Glibc",
        ],
    ]

    private struct Source {
        let target: String
        let name: String
        let text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    private static func sources() throws -> [Source] {
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map { url in
            let parts = url.pathComponents.drop { $0 != "Sources" }.dropFirst()
            return Source(
                target: try #require(parts.first), name: parts.joined(separator: "/"),
                text: try String(contentsOf: url, encoding: .utf8))
        }
    }

    private static func imports(_ source: Source) -> [String] {
        source.lines.compactMap { line in
            let words = line.split(separator: " ").filter { !$0.hasPrefix("@") && $0 != "package" && $0 != "internal" }
            guard words.first == "import", words.count > 1 else { return nil }
            return String(words.last?.split(separator: ".").first ?? "")
        }
    }

    @Test func everyTargetImportsOnlyWhatStandsBelowIt() throws {
        let sources = try Self.sources()
        #expect(Set(sources.map(\.target)) == Set(Self.allowed.keys))
        for source in sources {
            let allowed = try #require(Self.allowed[source.target])
            for name in Self.imports(source) {
                #expect(allowed.contains(name), "\(source.name) imports \(name)")
            }
        }
    }

    @Test func theImportsThatAreThereAreSeen() throws {
        let gateway = try Self.sources().filter { $0.target == "Gateway" }.flatMap(Self.imports)
        #expect(Set(gateway).isSuperset(of: ["Arenas", "JSON", "HTTP", "PubSub", "EventLoop", "Telemetry"]))
    }

    @Test func whoeverIsUnsafeSaysWhy() throws {
        for source in try Self.sources() where source.lines.contains(where: Self.usesUnsafe) {
            #expect(
                source.text.range(of: #"//.*[Uu]nsafe"#, options: .regularExpression) != nil,
                "\(source.name) is unsafe and gives no reason")
        }
    }

    @Test func parsersAndHandlersAreSafe() throws {
        // The wire's parsers, the handlers and the log's logic never touch memory by hand, but for these files.
        let exceptions: Set<String> = [
            "JSON/ByteScan.swift", "JSON/LiteralBytes.swift", "HTTP/HeadScan.swift",
            "Access/Cryptography.swift", "Access/PublicKey.swift", "Access/FileContents.swift",
        ]
        for source in try Self.sources() where ["JSON", "HTTP", "Access", "Gateway"].contains(source.target) {
            guard !exceptions.contains(source.name) else { continue }
            #expect(!source.lines.contains(where: Self.usesUnsafe), "\(source.name) is unsafe")
        }
    }

    private static func usesUnsafe(_ line: Substring) -> Bool {
        let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return code.range(of: #"\bunsafe\b"#, options: .regularExpression) != nil
    }

    @Test func noFileIsLongerThanFourHundredLines() throws {
        for source in try Self.sources() { #expect(source.lines.count <= 400, "\(source.name)") }
    }
}
