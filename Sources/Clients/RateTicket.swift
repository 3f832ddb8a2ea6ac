/// Stands for one connection, poll or stream that was entered. A plain value of eight bytes; an entry that tickets stand
/// for is never replaced.
public struct RateTicket: Equatable, Sendable, BitwiseCopyable {
    let index: UInt32
    let shard: UInt8
    let occupancy: Occupancy
}
