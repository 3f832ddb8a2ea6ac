import Glibc
import Synchronization

@testable import EventLoop

/// A running group with a probe on each loop.
struct Served {
    let group: EventLoopGroup
    let probes: [ProbeHandler]

    var port: UInt16 { group.boundPort }
    var probe: ProbeHandler { probes[0] }
    var loop: EventLoop { group.loops[0] }

    func total(_ figure: (LoopStatistics) -> Int) -> Int { group.loops.reduce(0) { $0 + figure($1.statistics) } }

    func client(receiveBuffer: Int32? = nil) throws -> Client { try Client(port: port, receiveBuffer: receiveBuffer) }
}

/// Runs `body` against loops that are stopped behind it.
func withLoops(
    _ configure: (inout EventLoopConfiguration) -> Void = { _ in }, orders: ProbeHandler.Orders = .init(),
    _ body: (Served) throws -> Void
) throws {
    var configuration = EventLoopConfiguration()
    configure(&configuration)
    let group = try EventLoopGroup(configuration: configuration)
    var probes: [ProbeHandler] = []
    group.start { loop in
        let probe = ProbeHandler(loop: loop, orders: orders)
        probes.append(probe)
        return probe
    }
    defer {
        group.stop()
        group.join()
    }
    try body(Served(group: group, probes: probes))
}

/// Looks again and again, ten seconds long at most.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<10_000 {
        if condition() { return true }
        usleep(1000)
    }
    return false
}

/// Raised on one thread, seen on another.
final class Flag: Sendable {
    private let atomic = Atomic<Bool>(false)
    var isRaised: Bool { atomic.load(ordering: .acquiring) }
    func raise() { atomic.store(true, ordering: .releasing) }
}

/// A number that one thread hands to another.
final class Figure: Sendable {
    private let atomic = Atomic<Int>(0)
    var value: Int {
        get { atomic.load(ordering: .acquiring) }
        set { atomic.store(newValue, ordering: .releasing) }
    }
    func increment() { atomic.add(1, ordering: .acquiringAndReleasing) }
}

/// Bytes in which a lost, repeated or misplaced piece shows.
func pattern(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += patternPeriod.prefix(count - bytes.count) }
    return bytes
}

/// Repeated at a prime number of bytes, which is nobody's block size.
private let patternPeriod: [UInt8] = {
    var state: UInt32 = 1
    return (0..<65_521).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(state >> 24)
    }
}()

/// Whether two long runs of bytes are equal; an expectation that compares them itself would list every difference.
func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool { one == other }
