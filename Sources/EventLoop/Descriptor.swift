import CLinux

/// A descriptor that is closed when its owner ends; also where the owner's own `init` fails half-way, which runs no
/// `deinit` of a class.
struct Descriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { _ = postern_close(number) }

    /// Leaves the closing to the caller.
    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}
