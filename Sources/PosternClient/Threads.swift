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
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) { start(count, body).join() }

    static func start(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Threads {
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
            precondition(result == 0, "no thread could be started")
            threads.append(thread)
        }
        return Threads(threads: threads)
    }

    func join() { for thread in threads { pthread_join(thread, nil) } }
}

/// A line on standard error that is written over by the next, on a terminal; elsewhere lines of their own.
enum ProgressLine {
    // unsafe: passes bytes to the system for the length of the call.
    static func show(_ text: String) {
        let line = Array((isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" + text : text + "\n").utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }
}
