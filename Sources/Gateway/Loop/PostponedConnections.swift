import EventLoop

/// Connections that had their share of a turn and go on in the next one, behind what arrived by then.
struct PostponedConnections: ~Copyable {
    /// Those of the turn before.
    private var due: [ConnectionID] = []
    /// Those of this turn.
    private var next: [ConnectionID] = []

    /// Whether there is work for the turn to come.
    var isEmpty: Bool { due.isEmpty && next.isEmpty }

    mutating func append(_ id: ConnectionID) { next.append(id) }

    /// The next one whose turn it is, in no order that is promised; nil where there is none any more.
    mutating func popDue() -> ConnectionID? { due.popLast() }

    /// To be said once all that were due are served: the others are due in the turn to come.
    mutating func endTurn() { swap(&due, &next) }
}
