/// What one read found: where each message's bytes stand. Memory is a reader's own, taken once.
// unsafe: holds addresses into segments that the reader's floor keeps from being used again.
@safe
package struct ReadEntries: ~Copyable {
    private let starts: UnsafeMutablePointer<UnsafePointer<UInt8>>
    private let counts: UnsafeMutablePointer<Int>
    package let capacity: Int
    package private(set) var count = 0

    package init(capacity: Int) {
        self.capacity = capacity
        unsafe starts = .allocate(capacity: capacity)
        unsafe counts = .allocate(capacity: capacity)
    }

    deinit {
        unsafe starts.deallocate()
        unsafe counts.deallocate()
    }

    package mutating func removeAll() { count = 0 }

    package mutating func add(_ start: UnsafePointer<UInt8>, _ byteCount: Int) {
        precondition(count < capacity)
        unsafe starts[count] = unsafe start
        unsafe counts[count] = byteCount
        count += 1
    }

    package func forEach(_ body: (Span<UInt8>) -> Void) {
        for index in 0..<count {
            body(unsafe Span(_unsafeStart: starts[index], count: counts[index]))
        }
    }
}
