import Glibc

// unsafe: hands closures to the system's threads.

/// Runs each body on a thread of its own and waits for all of them. Not tasks: their pool has a thread a core, and a
/// body that waits for another must not keep that other from running.
func inParallel(_ bodies: (@Sendable () -> Void)...) {
    inParallel(bodies)
}

func inParallel(_ bodies: [@Sendable () -> Void]) {
    final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let threads = bodies.map { body in
        var thread = pthread_t()
        let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        let failure = unsafe pthread_create(
            &thread, nil,
            {
                unsafe Unmanaged<Work>.fromOpaque($0!).takeRetainedValue().body()
                return nil
            }, work)
        precondition(failure == 0, "no thread")
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
}
