/// A line of a batch: a message with its topic, as `POST /v1/messages` takes it.
public enum Envelope {
    /// What all messages of a batch have in common.
    public struct Common: Sendable {
        public var attributes: [(name: String, value: String)] = []
        public var key: String?
        /// In seconds or with a unit, as the server takes it.
        public var ttl: String?
        public var delay: String?
        public var contentType: String?

        public init() {}
    }

    /// An envelope of a line, with an idempotency key of its own. What is not UTF-8 goes as it is, in base 64.
    public static func of(_ line: [UInt8], topic: String, _ common: Common) -> [UInt8] {
        var members: [(name: String, value: JSONValue)] = [
            ("topic", .string(topic)), ("id", .string(Publisher.newKey())),
        ]
        if let text = String(validating: line, as: UTF8.self) {
            members.append(("data", .string(text)))
        } else {
            members.append(("data_base64", .string(Base64.encoded(line))))
        }
        if let key = common.key { members.append(("key", .string(key))) }
        if let ttl = common.ttl { members.append(("ttl", .string(ttl))) }
        if let delay = common.delay { members.append(("delay", .string(delay))) }
        if let type = common.contentType { members.append(("content_type", .string(type))) }
        if !common.attributes.isEmpty {
            members.append(("attributes", .object(common.attributes.map { ($0.name, .string($0.value)) })))
        }
        return Array(JSONValue.object(members).text.utf8)
    }

    /// The envelope that a line holds, with an idempotency key where it has none.
    /// - Returns: nil where it is no JSON object.
    public static func keyed(_ line: [UInt8]) -> [UInt8]? {
        guard case .object(let members) = JSONValue(parsing: line.span) else { return nil }
        guard !members.contains(where: { $0.name == "id" }) else { return line }
        return Array(JSONValue.object(members + [("id", .string(Publisher.newKey()))]).text.utf8)
    }
}
