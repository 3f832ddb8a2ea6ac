import Glibc

// unsafe: maps and unmaps memory by hand, so that what a segment gives back leaves the process at once, and a segment
// takes memory only as it is filled.

/// Zeroed memory in whole pages; ended by `unmapMemory` with the same size.
@unsafe
func mapMemory(byteCount: Int) -> UnsafeMutableRawPointer {
    let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { fatalError("out of memory") }
    return unsafe memory
}

@unsafe
func unmapMemory(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    unsafe munmap(memory, byteCount)
}
