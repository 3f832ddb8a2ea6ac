/// What all files of a log share.
enum LogFormat {
    /// A log of a later version is refused.
    static let version: UInt32 = 1
    /// Largest record: more than any message that can arrive.
    static let maximumRecordBytes = 1 << 30
    /// Largest sequence number, and latest time: so far off that sums with them do not overflow.
    static let maximumSequence: UInt64 = 1 << 62
    static let latestMicroseconds: Int64 = 1 << 60
    /// Sequence numbers in one segment lie this close to each other.
    static let largestDelta = UInt64(UInt32.max)
    static let segmentMagic: UInt64 = 0x0031_4745_5352_5450  // "PTRSEG1\0"
    static let indexMagic: UInt64 = 0x0031_5844_4952_5450  // "PTRIDX1\0"
    static let identityMagic: UInt64 = 0x0031_474F_4C52_5450  // "PTRLOG1\0"
}
