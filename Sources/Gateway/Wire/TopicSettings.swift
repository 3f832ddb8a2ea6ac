import Arenas
import JSON
import PubSub

/// Decodes a topic's settings: `{"retention":{"age":"1h","bytes":1048576,"count":1000}}`, each optional.
enum TopicSettings {
    static func decode(_ body: Span<UInt8>, in arena: borrowing ScopedArena) throws(APIProblem) -> RetentionPolicy {
        var reader = JSONReader(body, depthLimit: Limits.jsonDepth)
        var policy = RetentionPolicy()
        guard try reader.kind() == .object else { throw invalid("an object with retention is wanted", nil) }
        try reader.enterObject()
        var hasRetention = false
        while let key = try reader.key(in: arena) {
            guard key.equals("retention") else { throw invalid("a topic has retention and nothing else", nil) }
            guard !hasRetention else { throw invalid("retention is there twice", "retention") }
            hasRetention = true
            guard try reader.kind() == .object else { throw invalid("retention is an object", "retention") }
            policy = try retention(&reader, in: arena)
        }
        try reader.end()
        return policy
    }

    private static func retention(
        _ reader: inout JSONReader, in arena: borrowing ScopedArena
    ) throws(APIProblem) -> RetentionPolicy {
        var policy = RetentionPolicy()
        var seen = 0
        try reader.enterObject()
        while let key = try reader.key(in: arena) {
            let bit = key.equals("age") ? 1 : key.equals("bytes") ? 2 : key.equals("count") ? 4 : 0
            guard bit != 0 else { throw invalid("retention has age, bytes and count", "retention") }
            guard seen & bit == 0 else { throw invalid("a bound is there twice", "retention") }
            seen |= bit
            switch bit {
            case 1: policy.ageMicroseconds = try age(&reader, in: arena)
            case 2: policy.bytes = try count(&reader, "retention.bytes")
            default: policy.count = try count(&reader, "retention.count")
            }
        }
        return policy
    }

    private static func age(_ reader: inout JSONReader, in arena: borrowing ScopedArena) throws(APIProblem) -> Int64 {
        let wanted: StaticString = "seconds, or a time such as \"1h\", above 0 is wanted"
        switch try reader.kind() {
        case .number:
            let seconds: Int64
            do throws(JSONError) { seconds = try reader.readInteger() } catch { throw invalid(wanted, "retention.age") }
            guard (1...MessageRules.longestTimeToLiveSeconds).contains(seconds) else {
                throw invalid(wanted, "retention.age")
            }
            return seconds * 1_000_000
        case .string:
            guard let time = Duration.microseconds(try reader.string(in: arena)), time > 0 else {
                throw invalid(wanted, "retention.age")
            }
            return time
        default:
            throw invalid(wanted, "retention.age")
        }
    }

    private static func count(_ reader: inout JSONReader, _ field: StaticString) throws(APIProblem) -> Int {
        let wanted: StaticString = "a whole number above 0 is wanted"
        guard try reader.kind() == .number else { throw invalid(wanted, field) }
        let number: Int64
        do throws(JSONError) { number = try reader.readInteger() } catch { throw invalid(wanted, field) }
        guard number > 0 else { throw invalid(wanted, field) }
        return Int(number)
    }

    private static func invalid(_ detail: StaticString, _ field: StaticString?) -> APIProblem {
        APIProblem(400, "invalid_settings", detail).with { $0.parameter = field }
    }
}
