import Arenas
import Testing

@testable import PubSub

@Suite struct MessageFilterTests {
    private static let message = #"{"cursor":"x","attributes":{"region":"eu","note":"a \"b\" \\","empty":""},"data":1}"#
    private static let offset =
        message.utf8.count - #"{"region":"eu","note":"a \"b\" \\","empty":""},"data":1}"#.utf8.count

    private func admits(_ tests: [(MessageFilter.Test, String, String)], attributesAt offset: Int) throws -> Bool {
        let pool = ArenaPool(configuration: ArenaPool.Configuration()).makeLocal()
        let lease = try pool.acquire(expectedBytes: 0)
        return try Self.admits(tests, offset, lease.arena)
    }

    private static func admits(
        _ tests: [(MessageFilter.Test, String, String)], _ offset: Int, _ arena: borrowing ScopedArena
    ) throws -> Bool {
        var buffer = ArenaBuffer(in: arena, capacity: 16)
        for (test, name, value) in tests {
            let (name, value) = (Array(name.utf8), Array(value.utf8))
            MessageFilter.append(test, name: name.span, value: value.span, to: &buffer)
        }
        let message = Array(message.utf8)
        return MessageFilter(compiled: try buffer.finish()).admits(message.span, attributesAt: offset)
    }

    @Test(arguments: [
        (MessageFilter.Test.equals, "region", "eu", true), (.equals, "region", "e", false),
        (.equals, "region", "eux", false), (.equals, "other", "eu", false), (.equals, "empty", "", true),
        (.hasPrefix, "region", "e", true), (.hasPrefix, "region", "eu", true), (.hasPrefix, "region", "", true),
        (.hasPrefix, "region", "eux", false), (.hasPrefix, "other", "", false),
        (.differs, "region", "eu", false), (.differs, "region", "us", true), (.differs, "other", "x", true),
        (.lacksPrefix, "region", "e", false), (.lacksPrefix, "region", "u", true), (.lacksPrefix, "other", "", true),
        (.isPresent, "empty", "", true), (.isPresent, "other", "", false), (.isPresent, "emp", "", false),
        (.equals, "note", #"a \"b\" \\"#, true), (.hasPrefix, "note", #"a \""#, true),
    ])
    func testsOneAttribute(_ test: MessageFilter.Test, _ name: String, _ value: String, _ isAdmitted: Bool) throws {
        #expect(try admits([(test, name, value)], attributesAt: Self.offset) == isAdmitted)
    }

    @Test func allTestsMustHold() throws {
        #expect(try admits([], attributesAt: Self.offset))
        #expect(try admits([(.equals, "region", "eu"), (.isPresent, "note", "")], attributesAt: Self.offset))
        #expect(try !admits([(.equals, "region", "eu"), (.equals, "note", "x")], attributesAt: Self.offset))
    }

    @Test func aMessageWithoutAttributesHasNone() throws {
        #expect(try admits([(.differs, "region", "eu")], attributesAt: 0))
        #expect(try !admits([(.isPresent, "region", "")], attributesAt: 0))
    }
}
