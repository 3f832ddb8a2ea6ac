import Glibc

/// Makes dead arena memory recognisable: a fill that no valid text contains, and AddressSanitizer's shadow,
/// so that a stray read is reported where it happens. Active in debug builds and under AddressSanitizer.
///
/// Unsafe: writes to raw memory that its caller owns, and calls two functions found by name.
enum Poison {
    private typealias RegionFunction = @convention(c) (UnsafeRawPointer?, Int) -> Void

    /// What a dead byte reads as.
    static let fill: UInt8 = 0xDD

    // Looked up when the process runs, since the release library is the same file with and without the
    // sanitizer's runtime beside it.
    private static let poisonRegion = unsafe lookUp("__asan_poison_memory_region")
    private static let unpoisonRegion = unsafe lookUp("__asan_unpoison_memory_region")

    /// Whether this process runs under AddressSanitizer.
    static var hasAddressSanitizer: Bool { unsafe poisonRegion != nil }

    /// Whether dead memory is filled, poisoned, and rests before it is used again.
    static let isActive: Bool = {
        #if DEBUG
            return true
        #else
            return hasAddressSanitizer
        #endif
    }()

    @unsafe
    static func bury(_ start: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe memset(start, CInt(fill), byteCount)
        if let poison = unsafe poisonRegion { unsafe poison(start, byteCount) }
    }

    @unsafe
    static func unearth(_ start: UnsafeMutableRawPointer, byteCount: Int) {
        if let unpoison = unsafe unpoisonRegion { unsafe unpoison(start, byteCount) }
    }

    private static func lookUp(_ name: String) -> RegionFunction? {
        guard let address = unsafe dlsym(nil, name) else { return nil }
        return unsafe unsafeBitCast(address, to: RegionFunction.self)
    }
}
