import Testing

@testable import PubSub

@Suite struct TopicNameTests {
    private func refusal(_ name: String) -> TopicError? {
        do throws(TopicError) {
            try TopicName.validate(Array(name.utf8).span)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "a", "orders.eu.created", "A-Z_09", String(repeating: "x", count: 255), "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p",
    ])
    func accepts(_ name: String) { #expect(refusal(name) == nil) }

    @Test(arguments: [
        ("", TopicError.Rule.empty, 0), (".a", .emptyToken, 0), ("a.", .emptyToken, 2), ("a..b", .emptyToken, 2),
        ("a b", .invalidByte, 1), ("ä", .invalidByte, 0), ("a/b", .invalidByte, 1), ("$sys", .reserved, 0),
        ("a.*", .invalidByte, 2), (String(repeating: "x", count: 256), .tooLong, 255),
        ("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", .tooManyTokens, 31),
    ])
    func refuses(_ name: String, _ rule: TopicError.Rule, _ offset: Int) {
        #expect(refusal(name) == TopicError(rule, offset: offset))
    }

    @Test func everyByteIsEitherATokenByteOrRefused() {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-".utf8)
        for byte in UInt8.min...UInt8.max {
            let accepted = (try? TopicName.validate([UInt8(ascii: "a"), byte, UInt8(ascii: "a")].span)) != nil
            #expect(accepted == (allowed.contains(byte) || byte == UInt8(ascii: ".")), "byte \(byte)")
        }
    }

    @Test func explainsEveryRule() {
        for rule in [
            TopicError.Rule.empty, .tooLong, .tooManyTokens, .emptyToken, .invalidByte, .reserved,
            .partialWildcard, .wildcardNotLast, .tooManyPatterns,
        ] {
            #expect(TopicError(rule, offset: 0).explanation.utf8CodeUnitCount > 10)
        }
    }
}
