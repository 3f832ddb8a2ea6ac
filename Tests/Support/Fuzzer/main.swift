import CLibFuzzer
import FuzzTargets
import Glibc

// unsafe throughout: libFuzzer hands over a pointer and a count, good for the length of the call, and takes the
// command line as C has it.

private nonisolated func json(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    unsafe fuzzJSON(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private nonisolated func http(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    unsafe fuzzHTTP(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private nonisolated func cursor(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    unsafe fuzzCursor(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private nonisolated func proxy(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    unsafe fuzzProxy(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

#if FUZZING
    private nonisolated func envelope(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        unsafe fuzzEnvelope(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    private nonisolated func segment(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        unsafe fuzzSegment(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    private nonisolated func jwt(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        unsafe fuzzJWT(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    private nonisolated func pattern(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        unsafe fuzzPattern(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    private nonisolated func filter(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
        unsafe fuzzFilter(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }
#endif

private let usage =
    "usage: fuzz json|http|cursor|proxy|envelope|segment|pattern|filter|jwt [libFuzzer's flags] [corpus]"

guard CommandLine.arguments.count >= 2 else {
    print(usage)
    exit(EX_USAGE)
}
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
switch CommandLine.arguments[1] {
case "json": unsafe exit(postern_run_fuzzer(&count, &arguments, json))
case "http": unsafe exit(postern_run_fuzzer(&count, &arguments, http))
case "cursor": unsafe exit(postern_run_fuzzer(&count, &arguments, cursor))
case "proxy": unsafe exit(postern_run_fuzzer(&count, &arguments, proxy))
#if FUZZING
    case "envelope": unsafe exit(postern_run_fuzzer(&count, &arguments, envelope))
    case "segment": unsafe exit(postern_run_fuzzer(&count, &arguments, segment))
    case "jwt": unsafe exit(postern_run_fuzzer(&count, &arguments, jwt))
    case "pattern": unsafe exit(postern_run_fuzzer(&count, &arguments, pattern))
    case "filter": unsafe exit(postern_run_fuzzer(&count, &arguments, filter))
#endif
default:
    print(usage)
    exit(EX_USAGE)
}
