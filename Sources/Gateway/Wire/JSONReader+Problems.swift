import Arenas
import JSON

/// The reader's steps with errors as the client is told them.
extension JSONReader {
    @_lifetime(self: copy self)
    mutating func kind() throws(APIProblem) -> JSONKind {
        do throws(JSONError) { return try peek() } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    mutating func enterObject() throws(APIProblem) {
        do throws(JSONError) { try beginObject() } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    mutating func enterArray() throws(APIProblem) {
        do throws(JSONError) { try beginArray() } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    mutating func hasElement() throws(APIProblem) -> Bool {
        do throws(JSONError) { return try nextElement() } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    @_lifetime(copy self, borrow arena)
    mutating func key(in arena: borrowing ScopedArena) throws(APIProblem) -> Span<UInt8>? {
        do throws(JSONError) { return try nextKey(in: arena) } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    @_lifetime(copy self, borrow arena)
    mutating func string(in arena: borrowing ScopedArena) throws(APIProblem) -> Span<UInt8> {
        do throws(JSONError) { return try readString(in: arena) } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    mutating func integer() throws(APIProblem) -> Int64 {
        do throws(JSONError) { return try readInteger() } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    mutating func value() throws(APIProblem) -> Range<Int> {
        do throws(JSONError) { return try skipValue() } catch { throw .from(error) }
    }

    @_lifetime(self: copy self)
    mutating func end() throws(APIProblem) {
        do throws(JSONError) { try finish() } catch { throw .from(error) }
    }
}

extension APIProblem {
    static func from(_ error: JSONError) -> APIProblem {
        switch error {
        case .malformed(let offset, let expected):
            APIProblem(400, "invalid_json", expected.description).with {
                $0.detailPrefix = "the JSON breaks here; expected "
                $0.offset = offset
            }
        case .arena(let error):
            from(error)
        }
    }

    static func from(_ error: ArenaError) -> APIProblem {
        switch error {
        case .capExceeded(let limit):
            APIProblem(413, "payload_too_large", "the request needs more memory than one request may take").with {
                $0.limit = limit
            }
        case .budgetExhausted:
            overloaded("all memory for requests is in use")
        }
    }
}
