import Glibc

/// A plain thread of the log.
// unsafe: hands a retained box to pthread_create, whose thread releases it.
struct LogThread: @unchecked Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let thread: pthread_t

    init(_ run: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Body(run)).toOpaque()
        let result = unsafe pthread_create(
            &thread, nil,
            { box in
                guard let box = unsafe box else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(box).takeRetainedValue().run()
                return nil
            }, box)
        precondition(result == 0, "no thread could be started")
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }
}
