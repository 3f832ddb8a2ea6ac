/// Everything that is wrong with the files that say who may do what, each as a sentence for whoever wrote them.
///
/// Nothing of a file's contents is in the texts: a secret may stand anywhere in one by mistake.
public struct AccessError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One or more sentences, in the order of the files and their lines.
    public let problems: [String]

    init(_ problems: [String]) { self.problems = problems }
    init(_ problem: String) { problems = [problem] }

    /// The sentences, one a line.
    public var description: String { problems.joined(separator: "\n") }
}

/// Problems gathered while a file is read on.
struct Problems {
    /// Most that are told of one file; a file of another kind has one in each line.
    static let maximumCount = 100

    private(set) var texts: [String] = []
    private var omitted = 0

    var isEmpty: Bool { texts.isEmpty }
    var count: Int { texts.count + omitted }

    mutating func add(_ text: @autoclosure () -> String) {
        if texts.count < Self.maximumCount { texts.append(text()) } else { omitted += 1 }
    }

    /// - Throws: where anything was added.
    consuming func finish() throws(AccessError) {
        if omitted > 0 { texts.append("and \(omitted) problems more") }
        if !texts.isEmpty { throw AccessError(texts) }
    }
}
