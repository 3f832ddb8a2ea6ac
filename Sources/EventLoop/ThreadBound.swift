/// A value that one thread alone uses, spared the check for overlapping access that what a class stores is given at run
/// time.
// unsafe: owns the value's memory. Nothing that is called while the value is changed may reach it again: what it is used
// for calls nobody.
@safe
struct ThreadBound<Value: ~Copyable>: ~Copyable {
    private let pointer: UnsafeMutablePointer<Value>

    init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    deinit {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    var value: Value {
        unsafeAddress { unsafe UnsafePointer(pointer) }
        nonmutating unsafeMutableAddress { unsafe pointer }
    }
}
