import Arenas
import JSON

/// Why a signed token could not be taken.
enum TokenFailure: Error, Equatable {
    case refused(Refusal)
    /// There was no memory to read it; says nothing about the token.
    case arena(ArenaError)

    static let malformed = TokenFailure.refused(.malformed)

    init(_ error: JSONError) {
        switch error {
        case .malformed: self = .malformed
        case .arena(let error): self = .arena(error)
        }
    }
}

/// The reader's steps with errors as a token has them.
extension JSONReader {
    @_lifetime(self: copy self)
    mutating func kind() throws(TokenFailure) -> JSONKind {
        do throws(JSONError) { return try peek() } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    mutating func enterObject() throws(TokenFailure) {
        do throws(JSONError) { try beginObject() } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    mutating func enterArray() throws(TokenFailure) {
        do throws(JSONError) { try beginArray() } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    mutating func hasElement() throws(TokenFailure) -> Bool {
        do throws(JSONError) { return try nextElement() } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    @_lifetime(copy self, borrow arena)
    mutating func key(in arena: borrowing ScopedArena) throws(TokenFailure) -> Span<UInt8>? {
        do throws(JSONError) { return try nextKey(in: arena) } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    @_lifetime(copy self, borrow arena)
    mutating func string(in arena: borrowing ScopedArena) throws(TokenFailure) -> Span<UInt8> {
        do throws(JSONError) { return try readString(in: arena) } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    mutating func bool() throws(TokenFailure) -> Bool {
        do throws(JSONError) { return try readBool() } catch { throw TokenFailure(error) }
    }

    /// Where the next value stands, whatever it is.
    @_lifetime(self: copy self)
    mutating func value() throws(TokenFailure) -> Range<Int> {
        do throws(JSONError) { return try skipValue() } catch { throw TokenFailure(error) }
    }

    @_lifetime(self: copy self)
    mutating func end() throws(TokenFailure) {
        do throws(JSONError) { try finish() } catch { throw TokenFailure(error) }
    }
}
