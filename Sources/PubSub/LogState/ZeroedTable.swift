import Glibc

// unsafe: calloc gives large tables as untouched pages, so that what is not used costs no memory.

/// A table of zeroes that takes memory only as it is touched; ended by `releaseTable`.
@unsafe
func zeroedTable<T: BitwiseCopyable & FixedWidthInteger>(count: Int) -> UnsafeMutablePointer<T> {
    guard let memory = unsafe calloc(count, MemoryLayout<T>.stride) else { fatalError("out of memory") }
    return unsafe memory.bindMemory(to: T.self, capacity: count)
}

@unsafe
func releaseTable<T>(_ table: UnsafeMutablePointer<T>) {
    unsafe free(table)
}
