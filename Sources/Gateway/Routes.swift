import Arenas
import HTTP

/// What this server can do; each is a handler of the same name and an `operationId` of `openapi.yaml`.
enum Operation: UInt8, CaseIterable {
    case publishMessage, publishBatch, readMessages
    case listTopics, getTopic, putTopic, deleteTopic
    case getLiveness, getReadiness, getMetrics, getOpenAPI, getStats, getConsole
    /// No route, or no request: what is counted under it was refused before.
    case none

    /// The label of metrics.
    var name: StaticString {
        switch self {
        case .publishMessage: "publishMessage"
        case .publishBatch: "publishBatch"
        case .readMessages: "readMessages"
        case .listTopics: "listTopics"
        case .getTopic: "getTopic"
        case .putTopic: "putTopic"
        case .deleteTopic: "deleteTopic"
        case .getLiveness: "getLiveness"
        case .getReadiness: "getReadiness"
        case .getMetrics: "getMetrics"
        case .getOpenAPI: "getOpenAPI"
        case .getStats: "getStats"
        case .getConsole: "getConsole"
        case .none: "none"
        }
    }
}

/// The one table of routes: paths, their methods, and what each does.
enum Resource: UInt8, CaseIterable {
    case topicMessages, messages, topic, topics, livez, readyz, metrics, openAPI, stats, console

    var template: StaticString {
        switch self {
        case .topicMessages: "/v1/topics/{topic}/messages"
        case .messages: "/v1/messages"
        case .topic: "/v1/topics/{topic}"
        case .topics: "/v1/topics"
        case .livez: "/livez"
        case .readyz: "/readyz"
        case .metrics: "/metrics"
        case .openAPI: "/openapi.yaml"
        case .stats: "/v1/stats"
        case .console: "/"
        }
    }

    func operation(for method: Method) -> Operation? {
        switch (self, method) {
        case (.topicMessages, .post): .publishMessage
        case (.topicMessages, .get), (.topicMessages, .head): .readMessages
        case (.messages, .post): .publishBatch
        case (.topic, .get), (.topic, .head): .getTopic
        case (.topic, .put): .putTopic
        case (.topic, .delete): .deleteTopic
        case (.topics, .get), (.topics, .head): .listTopics
        case (.livez, .get), (.livez, .head): .getLiveness
        case (.readyz, .get), (.readyz, .head): .getReadiness
        case (.metrics, .get), (.metrics, .head): .getMetrics
        case (.openAPI, .get), (.openAPI, .head): .getOpenAPI
        case (.stats, .get), (.stats, .head): .getStats
        case (.console, .get), (.console, .head): .getConsole
        default: nil
        }
    }

    /// What `Allow` says.
    var allow: StaticString {
        switch self {
        case .topicMessages: "GET, HEAD, POST"
        case .messages: "POST"
        case .topic: "GET, HEAD, PUT, DELETE"
        default: "GET, HEAD"
        }
    }

    /// The resource at a path, and where in `bytes` the path's parameter stands; nil where there is none.
    static func find(_ path: Range<Int>, in bytes: Span<UInt8>) -> (resource: Resource, parameter: Range<Int>)? {
        for number in 0...Resource.console.rawValue {
            guard let resource = Resource(rawValue: number) else { break }
            if let parameter = match(resource.template, path, in: bytes) { return (resource, parameter) }
        }
        return nil
    }

    /// Walks template and path side by side; `{…}` stands for one segment that is not empty.
    private static func match(_ template: StaticString, _ path: Range<Int>, in bytes: Span<UInt8>) -> Range<Int>? {
        var parameter = 0..<0
        var offset = path.lowerBound
        var position = 0
        while position < template.utf8CodeUnitCount {
            if template[position] == UInt8(ascii: "{") {
                let start = offset
                while offset < path.upperBound, bytes[offset] != UInt8(ascii: "/") { offset += 1 }
                guard offset > start else { return nil }
                parameter = start..<offset
                while template[position] != UInt8(ascii: "}") { position += 1 }
            } else {
                guard offset < path.upperBound, bytes[offset] == template[position] else { return nil }
                offset += 1
            }
            position += 1
        }
        return offset == path.upperBound ? parameter : nil
    }
}
