import Access
import Arenas
import Clients
import EventLoop
import HTTP

/// What was settled of a request before it is served.
struct Admission {
    var operation = Operation.none
    /// The path's parameter.
    var parameter = 0..<0
    /// Whose token allows it; nil where all is allowed.
    var principal: Principal?
    /// Whether its client's limits hold for it.
    var isLimited = false
    /// It was answered already, with this status.
    var answered: Int?
}

/// Who may do what, before anything of a body is taken.
extension LoopCore {
    /// Finds what a request asks for and whether this client may.
    /// - Throws: 404; 405 with `Allow`; 401, 403 and 429.
    mutating func admit(
        _ id: ConnectionID, _ head: RequestHead, _ bytes: Span<UInt8>
    ) throws(APIProblem) -> Admission {
        let role = shared.roles[loop.listener(of: id)]
        replies.standing = nil
        limitedClient = role == .operators || live.limits.areUnlimited ? nil : id
        // Before anything is looked up, so that guesses at tokens are counted as well.
        if limitedClient != nil {
            clients[Int(id.index)].requestAddress = resolveAddress(id, head, bytes)
            try checkLimits(id, RateCost(requests: 1, bytes: UInt64(head.byteCount + (head.contentLength ?? 0))), nil)
        }
        if role == .redirect { return Admission(answered: try redirect(head, bytes)) }
        // `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7).
        if head.targetForm == .asterisk { return Admission() }
        guard head.targetForm != .authority, let (resource, parameter) = Resource.find(head.path, in: bytes)
        else { throw .notFound }
        if try answerPreflight(head, bytes, resource, replies.origin) { return Admission(answered: 204) }
        guard let operation = resource.operation(for: head.method) else {
            throw APIProblem(405, "method_not_allowed", "this path does not take the method").with {
                $0.allow = resource.allow
            }
        }
        let principal = try authorize(operation, role, head, bytes)
        if limitedClient != nil, let principal {
            let cost = RateCost(requests: 1, bytes: UInt64(head.byteCount + (head.contentLength ?? 0)))
            try checkLimits(id, cost, principal)
        }
        return Admission(
            operation: operation, parameter: parameter, principal: principal, isLimited: limitedClient != nil)
    }

    /// - Returns: whose token is to allow it; nil where all is allowed.
    private mutating func authorize(
        _ operation: Operation, _ role: ListenerRole, _ head: RequestHead, _ bytes: Span<UInt8>
    ) throws(APIProblem) -> Principal? {
        guard role == .clients, !operation.isForAnyone else { return nil }
        guard let access = live.configuration.access else {
            if operation.isForOperators, live.configuration.operatorsAddress != nil {
                throw .forbidden("this is served to operators, at an address of their own")
            }
            try checkOrigin(head, bytes, replies.origin, isVouchedFor: false)
            return nil
        }
        let (principal, isVouchedFor) = try authenticate(access, head, bytes)
        try checkOrigin(head, bytes, replies.origin, isVouchedFor: isVouchedFor)
        if operation.isForOperators, !principal.grants.isAdmin {
            throw .forbidden("the token is not an operator's")
        }
        return principal
    }
}

extension Operation {
    /// What probes and newcomers ask without a token.
    var isForAnyone: Bool {
        switch self {
        case .getLiveness, .getReadiness, .getOpenAPI: true
        default: false
        }
    }

    var isForOperators: Bool {
        switch self {
        case .getMetrics, .getStats, .getConsole, .putTopic, .deleteTopic: true
        default: false
        }
    }
}
