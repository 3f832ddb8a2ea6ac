import ArgumentParser
import Glibc
import PosternClient

struct Publish: ClientCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish a message, or with --batch one a line.",
        discussion: """
              postern publish greetings hello
              postern publish room.kitchen '{"temp":21.5}' --content-type application/json --ttl 10m
              postern publish photos @cat.jpg --content-type image/jpeg
              make 2>&1 | postern publish builds.log --batch
              postern publish --batch < envelopes.ndjson

            Prints the message's cursor. Each message has an idempotency key, so that --retry stores nothing twice.
            """)

    @Argument(help: "The topic. With --batch it may be left out: then each line is an envelope, a JSON object.")
    var topic: String?

    @Argument(help: "The message: a text, @FILE for a file, - for standard input. (default: standard input)")
    var data: String?

    @Option(
        name: .customLong("attr"),
        help: ArgumentHelp(
            "An attribute, which readers may filter by. May be given several times.", valueName: "name=value"))
    var attributes: [String] = []

    @Option(
        name: .customLong("key"),
        help: ArgumentHelp("The message's key: readers may tell by it what belongs together.", valueName: "key"))
    var messageKey: String?

    @Option(help: ArgumentHelp("How long the message is good: 90, 10m, 2h.", valueName: "time"))
    var ttl: String?

    @Option(help: ArgumentHelp("When it is delivered: in 90, 10m, 2h.", valueName: "time"))
    var delay: String?

    @Option(
        name: .customLong("id"),
        help: ArgumentHelp(
            "The idempotency key: a repeat within two minutes stores nothing. (default: a new one)", valueName: "id"))
    var idempotencyKey: String?

    @Option(help: ArgumentHelp("The media type of the message. (default: text/plain)", valueName: "type"))
    var contentType: String?

    @Flag(help: "Publish standard input, or @FILE, line by line: texts where a topic is given, else envelopes.")
    var batch = false

    @Option(
        help: ArgumentHelp(
            "How long to try again where the server is away or asks to wait: 0s to 1d. (default: 0s)", valueName: "time"
        ),
        transform: OptionValue.time(0...86_400_000))
    var retry: Int?

    @Option(
        help: ArgumentHelp("What to print: text, the cursor, or json, the receipt. (default: text)", valueName: "form"))
    var format: Format = .text

    @Flag(name: .shortAndLong, help: "Print nothing.")
    var quiet = false

    @OptionGroup(title: "Server") var server: ServerOptions

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    func validate() throws {
        if namedTopic == nil, !batch { throw ValidationError("a topic is wanted, or --batch") }
        if batch, let data = source, data != "-", !data.hasPrefix("@") {
            throw ValidationError("--batch reads lines: - or @FILE is wanted")
        }
        if batch, idempotencyKey != nil { throw ValidationError("--id is of one message; lines may have their own") }
        if namedTopic == nil,
            messageKey != nil || ttl != nil || delay != nil || contentType != nil || !attributes.isEmpty
        {
            throw ValidationError("envelopes say for themselves what --attr, --key, --ttl and the like would say")
        }
        for attribute in attributes where !attribute.contains("=") || attribute.hasPrefix("=") {
            throw ValidationError("--attr: NAME=VALUE is wanted, not '\(attribute)'")
        }
        for value in attributes + [messageKey, ttl, delay, idempotencyKey, contentType].compactMap({ $0 })
        where value.contains(where: \.isNewline) {
            throw ValidationError("'\(value)': a line's end cannot be part of it")
        }
    }

    /// With --batch alone, the first argument may be the file.
    private var isFirstTheSource: Bool { batch && data == nil && (topic == "-" || topic?.hasPrefix("@") == true) }
    private var namedTopic: String? { isFirstTheSource ? nil : topic }
    private var source: String? { isFirstTheSource ? topic : data }

    func perform() throws {
        let publisher = try Publisher(try server.address(), retryMilliseconds: retry ?? 0)
        if batch { return try publishLines(publisher) }
        let receipt = try publisher.publish(try body(), to: topic ?? "", fields: fields)
        try report([receipt])
    }

    // MARK: One message

    private var fields: [String] {
        var fields = ["Idempotency-Key: \(idempotencyKey ?? Publisher.newKey())"]
        fields.append("Content-Type: \(contentType ?? "text/plain")")
        for (name, value) in pairs { fields.append("Attr-\(name): \(value)") }
        if let messageKey { fields.append("Message-Key: \(messageKey)") }
        if let ttl { fields.append("TTL: \(ttl)") }
        if let delay { fields.append("Delay: \(delay)") }
        return fields
    }

    private var pairs: [(name: String, value: String)] {
        attributes.map { attribute in
            let parts = attribute.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), String(parts[1]))
        }
    }

    /// More than any server takes.
    private static let maximumBytes = 128 << 20

    private func body() throws(ClientFailure) -> [UInt8] {
        if let data, data != "-" {
            guard data.hasPrefix("@") else { return Array(data.utf8) }
            return try InputFile.contents(String(data.dropFirst()), maximumBytes: Self.maximumBytes)
        }
        InputFile.tellTerminal(STDIN_FILENO)
        return try InputFile.contents(of: STDIN_FILENO, name: "standard input", maximumBytes: Self.maximumBytes)
    }

    // MARK: Lines

    /// Messages and bytes of one request: what a server takes unless it is told otherwise.
    private static let batchMessages = 1000
    private static let batchBytes = 512 << 10

    private func publishLines(_ publisher: Publisher) throws(ClientFailure) {
        var descriptor = STDIN_FILENO
        var name = "standard input"
        if let data = source, data.hasPrefix("@") {
            name = String(data.dropFirst())
            descriptor = try InputFile.opened(name)
        }
        InputFile.tellTerminal(descriptor)
        var lines = LineSplitter()
        var waiting: [[UInt8]] = []
        var bytes = 0
        var number = 0
        while true {
            let piece = try InputFile.piece(of: descriptor, name: name)
            var complete: [[UInt8]] = []
            if let piece {
                _ = lines.take(piece.span) { line in
                    complete.append(line)
                    return true
                }
            } else {
                complete = [lines.takeRest()].filter { !$0.isEmpty }
            }
            for line in complete {
                number += 1
                guard !line.isEmpty || namedTopic != nil else { continue }
                let envelope = try envelope(line, number, name)
                if waiting.count == Self.batchMessages || bytes + envelope.count > Self.batchBytes {
                    try flush(publisher, &waiting, &bytes)
                }
                waiting.append(envelope)
                bytes += envelope.count
            }
            // What has come is not kept waiting for what may not come for long.
            if piece == nil || !InputFile.isReady(descriptor, milliseconds: 0) {
                try flush(publisher, &waiting, &bytes)
            }
            if piece == nil { return }
        }
    }

    private func flush(
        _ publisher: Publisher, _ waiting: inout [[UInt8]], _ bytes: inout Int
    ) throws(ClientFailure) {
        guard !waiting.isEmpty else { return }
        let reply = try publisher.publish(waiting)
        waiting.removeAll(keepingCapacity: true)
        bytes = 0
        try report(reply["messages"]?.elements ?? [])
    }

    private func envelope(_ line: [UInt8], _ number: Int, _ name: String) throws(ClientFailure) -> [UInt8] {
        guard let topic = namedTopic else {
            guard let envelope = Envelope.keyed(line) else {
                throw ClientFailure(.input, "\(name), line \(number): a JSON object is wanted")
            }
            return envelope
        }
        var common = Envelope.Common()
        common.attributes = pairs
        common.key = messageKey
        common.ttl = ttl
        common.delay = delay
        common.contentType = contentType
        return Envelope.of(line, topic: topic, common)
    }

    private func report(_ receipts: [JSONValue]) throws(ClientFailure) {
        guard !quiet else { return }
        var text = ""
        for receipt in receipts {
            guard let cursor = receipt["cursor"]?.string ?? receipt["id"]?.string else {
                throw ClientFailure(.notUnderstood, "the server's answer is no receipt")
            }
            text += (format == .json ? receipt.text : cursor) + "\n"
        }
        try Output.write(text)
    }
}
