import Testing

@testable import TLS

@Suite struct TLSCredentialsTests {
    private let directory = TestDirectory()

    private func configuration() -> TLSConfiguration {
        TLSConfiguration(certificates: [.init(chainPath: directory.path("chain"), keyPath: directory.path("key"))])
    }

    @Test func aReloadIsForThoseWhoComeAfterIt() throws {
        let credentials = try TLSCredentials(configuration())
        let before = credentials.context
        #expect(credentials.context === before)
        try credentials.reload()
        #expect(credentials.context !== before)
        #expect(credentials.context.expiresSeconds == before.expiresSeconds)
        #expect(before.expiresSeconds > 4_000_000_000)
    }

    @Test(arguments: ["chain", "key"])
    func whatCannotBeReadChangesNothing(_ broken: String) throws {
        let credentials = try TLSCredentials(configuration())
        let before = credentials.context
        directory.write(broken, "nonsense, and a secret")
        let refusal = #expect(throws: TLSError.self) { try credentials.reload() }
        #expect(credentials.context === before)
        let text = try #require(refusal).description
        #expect(text.hasPrefix(directory.path(broken) + ": "))
        #expect(!text.contains("secret"))
    }

    @Test func aServerWithoutACertificateIsNone() {
        #expect(throws: TLSError.self) { try TLSCredentials(TLSConfiguration(certificates: [])) }
    }

    @Test("whoever asks while the files are read anew gets the old or the new")
    func manyAskDuringReloads() async throws {
        let credentials = try TLSCredentials(configuration())
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<2000 { #expect(credentials.context.expiresSeconds > 0) }
                }
            }
            for _ in 0..<20 { #expect(throws: Never.self) { try credentials.reload() } }
        }
    }

    @Test func aSessionOutlivesItsCertificates() throws {
        let credentials = try TLSCredentials(configuration())
        // No such descriptor: a session asks for nothing before its first step.
        guard let session = credentials.context.makeSession(on: -1) else { return #expect(Bool(false), "no session") }
        try credentials.reload()
        let step = session.handshake()
        #expect(step == .ended || step == .refused)
    }
}
