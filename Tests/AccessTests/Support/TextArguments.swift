@testable import Access

// Expectations take no spans; these take what can be copied.

extension PatternList {
    func covers(_ selection: String) -> Bool { covers(selection.bytes.span) }
    func matches(_ topic: String) -> Bool { matches(topic.bytes.span) }
    mutating func append(_ pattern: String) throws(PatternListError) { try append(pattern.bytes.span) }
}

extension Grants {
    func mayPublish(_ topic: String) -> Bool { mayPublish(topic.bytes.span) }
    func maySubscribe(_ selection: String) -> Bool { maySubscribe(selection.bytes.span) }
    func mayList(_ topic: String) -> Bool { mayList(topic.bytes.span) }
}

extension Base64URL {
    static func encode(_ bytes: [UInt8]) -> String { encode(bytes.span) }
    static func decode(_ text: String) -> [UInt8]? { decode(text.bytes.span) }
}

extension VerificationKey {
    func verify(_ signature: [UInt8], over bytes: [UInt8]) -> Bool { verify(signature.span, over: bytes.span) }
}

extension StaticTokens {
    func principal(for token: String) -> Principal? { principal(for: token.bytes.span) }
}

extension StaticTokenFile {
    static func parse(_ text: String) throws(AccessError) -> StaticTokens { try parse(text.bytes.span) }
}
