import Access
import Arenas
import HTTP

/// Who asks: from a token that a request shows to whom it stands for.
extension LoopCore {
    /// A token as it stands in a request.
    private struct ShownToken {
        var range: Range<Int>
        /// The browser added it of itself, whatever page made the request.
        var isCookie = false
    }

    /// Finds out whom a request's token stands for.
    /// - Returns: them, and whether the client itself put the token into the request.
    /// - Throws: 401, and 400 where it shows two.
    mutating func authenticate(
        _ access: Authenticator, _ head: RequestHead, _ bytes: Span<UInt8>
    ) throws(APIProblem) -> (principal: Principal, isVouchedFor: Bool) {
        guard let shown = try shownToken(head, bytes) else {
            metrics.authentications.missing.add(1)
            throw .unauthorized
        }
        guard let arena = tokenArena.take() else { preconditionFailure("one token is looked at, at a time") }
        var result: Authentication?
        do throws(ArenaError) {
            result = try access.authenticate(
                bytes.extracting(shown.range), cache: &tokens, arena: arena, nowSeconds: nowSeconds)
        } catch {
            // It is larger than any good one.
            result = .refused(.malformed)
        }
        var emptied = consume arena
        emptied.reset()
        tokenArena = consume emptied
        switch result {
        case .principal(let principal):
            metrics.authentications.accepted.add(1)
            return (principal, !shown.isCookie)
        case .refused(let refusal):
            metrics.authentications[refusal].add(1)
            throw .invalidToken(refusal.code)
        case nil: throw .invalidToken(Refusal.malformed.code)
        }
    }

    var nowSeconds: Int64 { loop.wallClockMicroseconds(at: loop.nowNanoseconds) / 1_000_000 }

    /// `Authorization: Bearer`, the parameter `access_token` where that is allowed, or the cookie; never two of them but
    /// for the cookie, which browsers send whether it is wanted or not (RFC 6750, section 2).
    private mutating func shownToken(_ head: RequestHead, _ bytes: Span<UInt8>) throws(APIProblem) -> ShownToken? {
        var shown: ShownToken?
        if let field = parser.value(named: "authorization", in: bytes) {
            guard !field.isRepeated else { throw .invalidRequest }
            do throws(BearerCredentials.Failure) {
                let token = try BearerCredentials.token(in: bytes.extracting(field.range))
                // It ends where the field's value does.
                shown = ShownToken(range: field.range.upperBound - token.count..<field.range.upperBound)
            } catch {
                metrics.authentications[.malformed].add(1)
                throw error == .otherScheme ? .unauthorized : .invalidToken(Refusal.malformed.code)
            }
        }
        if live.configuration.allowsTokenParameter, let range = tokenParameter(head, bytes) {
            guard shown == nil else { throw .invalidRequest }
            shown = ShownToken(range: range)
        }
        guard shown == nil, let cookie = live.configuration.tokenCookie,
            let field = parser.value(named: "cookie", in: bytes), !field.isRepeated
        else { return shown }
        return Self.cookie(cookie, field.range, bytes).map { ShownToken(range: $0, isCookie: true) }
    }

    /// Tokens have no character that is encoded in a query.
    private mutating func tokenParameter(_ head: RequestHead, _ bytes: Span<UInt8>) -> Range<Int>? {
        var items = QueryItems(head.query, of: bytes)
        while let item = items.next() {
            if bytes.extracting(item.name).equals("access_token") { return item.value }
        }
        return nil
    }

    /// A cookie's value (RFC 6265, section 4.2.1): `name=value` pairs, joined by `; `.
    private static func cookie(_ name: String, _ field: Range<Int>, _ bytes: Span<UInt8>) -> Range<Int>? {
        let wanted = name.utf8Span
        var start = field.lowerBound
        while start < field.upperBound {
            var end = start
            while end < field.upperBound, bytes[end] != UInt8(ascii: ";") { end += 1 }
            let separator = start + wanted.count
            if separator < end, bytes[separator] == UInt8(ascii: "="),
                bytes.extracting(start..<separator).equals(wanted.span)
            {
                return separator + 1..<end
            }
            start = end + 1
            while start < field.upperBound, bytes[start] == UInt8(ascii: " ") { start += 1 }
        }
        return nil
    }

    // MARK: What a token allows

    /// - Throws: 403, which does not tell whether there is such a topic.
    mutating func checkMayPublish(_ topic: Span<UInt8>) throws(APIProblem) {
        guard let principal else { return }
        guard principal.grants.mayPublish(topic) else { throw .forbidden("the token does not allow this topic") }
    }

    /// A read that selects more than its token allows is refused as a whole. Narrowed in silence it would look like a topic
    /// without messages, and what it leaves out would tell what there is.
    mutating func checkMaySubscribe(_ selection: Span<UInt8>) throws(APIProblem) {
        guard let principal else { return }
        guard principal.grants.maySubscribe(selection) else {
            throw .forbidden("the token does not allow all that this selects")
        }
    }

    mutating func checkMaySee(_ topic: Span<UInt8>) throws(APIProblem) {
        guard let principal, !principal.grants.isAdmin else { return }
        guard principal.grants.mayList(topic) else { throw .forbidden("the token does not allow this topic") }
    }
}

extension Span<UInt8> {
    fileprivate func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}

extension APIProblem {
    static var unauthorized: APIProblem {
        APIProblem(401, "unauthorized", "a token is wanted: Authorization: Bearer TOKEN").with {
            $0.challenge = "Bearer realm=\"postern\""
        }
    }

    /// Says no more than the code: why a token is not good is for those who made it.
    static func invalidToken(_ code: StaticString) -> APIProblem {
        APIProblem(401, code, "this token is not good here").with {
            $0.challenge = "Bearer realm=\"postern\", error=\"invalid_token\""
        }
    }

    static var invalidRequest: APIProblem {
        APIProblem(400, "invalid_request", "a request shows one token, in one place").with {
            $0.challenge = "Bearer realm=\"postern\", error=\"invalid_request\""
        }
    }

    static func forbidden(_ detail: StaticString) -> APIProblem { APIProblem(403, "forbidden", detail) }
}
