import Glibc
import Synchronization

/// Plain threads that do the same.
// unsafe: hands a retained box to pthread_create, whose thread releases it.
struct Threads {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let threads: [pthread_t]

    /// Enough for libcurl and TLS; a thousand of them are a quarter of a GiB of addresses.
    private static let stackBytes = 256 << 10

    /// Runs `body` on as many threads, and waits for all.
    static func run(
        _ count: Int, abandon: () -> Void, _ body: @escaping @Sendable (Int) -> Void
    ) throws(ClientFailure) {
        try start(count, abandon: abandon, body).join()
    }

    /// - Throws: where the system has no more threads for us; those that run are told so by `abandon`, and have ended
    ///   by then.
    static func start(
        _ count: Int, abandon: () -> Void, _ body: @escaping @Sendable (Int) -> Void
    ) throws(ClientFailure) -> Threads {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        var threads: [pthread_t] = []
        for number in 0..<count {
            var thread = pthread_t()
            let box = unsafe Unmanaged.passRetained(Body { body(number) }).toOpaque()
            let result = unsafe pthread_create(
                &thread, &attributes,
                { box in
                    guard let box = unsafe box else { return nil }
                    unsafe Unmanaged<Body>.fromOpaque(box).takeRetainedValue().run()
                    return nil
                }, box)
            guard result == 0 else {
                unsafe Unmanaged<Body>.fromOpaque(box).release()
                abandon()
                Threads(threads: threads).join()
                throw ClientFailure(
                    .tryLater,
                    "only \(number) of \(count) threads could be started: the system allows this user or container no more"
                )
            }
            threads.append(thread)
        }
        return Threads(threads: threads)
    }

    func join() { for thread in threads { pthread_join(thread, nil) } }
}
