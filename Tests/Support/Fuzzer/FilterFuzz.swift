// The parameters are the gateway's own matter: only scripts/fuzz.sh builds it so that they can be reached from outside.
#if FUZZING
    import Arenas
    import JSON
    @testable import Gateway
    @testable import PubSub

    /// Takes the first line for a request's query and every other for an attribute, `name:value`, of a message, and traps
    /// where a promise breaks: the filter that is compiled says of the message what a naive one says, which looks at the
    /// decoded texts; its tests are few and whole.
    func fuzzFilter(_ bytes: Span<UInt8>) {
        let lines = array(bytes).split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
        let query = lines[0]
        let arena = ScopedArena()
        var attributes: [(name: [UInt8], value: [UInt8])] = []
        for line in lines.dropFirst().prefix(16) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = line[..<colon].map(lowercase)
            let value = Array(line[(colon + 1)...])
            guard MessageRules.isAttributeName(name.span), MessageRules.isAttributeValue(value.span),
                !attributes.contains(where: { $0.name == name })
            else { continue }
            attributes.append((name, value))
        }
        let message = message(of: attributes)
        let offset = attributes.isEmpty ? 0 : 1
        let parameters = Parameters(0..<query.count, of: query.span)
        do throws(APIProblem) {
            let filter = try FilterParameter.compile(parameters, in: arena)
            let tests = tests(of: query)
            precondition(tests.count <= MessageFilter.maximumTests, "more tests than are allowed")
            var count = 0
            filter.forEach { _, name, value in
                precondition(MessageRules.isAttributeName(name), "a test on a name that no attribute has")
                count += 1
            }
            precondition(count == tests.count, "tests were lost or won")
            precondition(
                filter.admits(message.span, attributesAt: offset) == tests.allSatisfy { holds($0, attributes) },
                "the filter says otherwise")
        } catch {
            precondition(error.status == 400, "a refusal of another kind")
        }
    }

    private func message(of attributes: [(name: [UInt8], value: [UInt8])]) -> [UInt8] {
        var message = OutputBuffer(capacity: 256)
        message.append("{{")
        for (index, attribute) in attributes.enumerated() {
            message.append(index == 0 ? "\"" : ",\"")
            message.append(contentsOf: attribute.name.span)
            message.append("\":\"")
            JSONWriter.appendEscaped(attribute.value.span, to: &message)
            message.append("\"")
        }
        message.append("},\"data\":\"\"}")
        return array(message.span)
    }

    /// The values of `filter`, decoded: `%41` and `+` (as forms are written), in their order.
    private func tests(of query: [UInt8]) -> [[UInt8]] {
        query.split(separator: UInt8(ascii: "&")).compactMap { item in
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard Array(parts[0]) == Array("filter".utf8) else { return nil }
            return parts.count > 1 ? decoded(Array(parts[1])) : []
        }
    }

    private func decoded(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.count,
                let byte = UInt8(String(decoding: text[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(text[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : text[index])
                index += 1
            }
        }
        return bytes
    }

    private func holds(_ test: [UInt8], _ attributes: [(name: [UInt8], value: [UInt8])]) -> Bool {
        let mark = test.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "!") } ?? test.count
        let name = test[..<mark].map(lowercase)
        let value = attributes.first { $0.name == name }?.value
        guard mark < test.count else { return value != nil }
        var wanted = Array(test[(mark + 1)...])
        let isPrefix = wanted.last == UInt8(ascii: "*")
        if isPrefix { wanted.removeLast() }
        let isAsWanted = value.map { isPrefix ? $0.starts(with: wanted) : $0 == wanted } ?? false
        return isAsWanted == (test[mark] == UInt8(ascii: ":"))
    }

    private func lowercase(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }
#endif
