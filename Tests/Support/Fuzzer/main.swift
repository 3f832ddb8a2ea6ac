import CLibFuzzer
import FuzzTargets
import Glibc

// unsafe throughout: libFuzzer hands over a pointer and a count, good for the length of the call, and takes the
// command line as C has it.

private nonisolated func json(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    unsafe fuzzJSON(Span(_unsafeElements: UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private let usage = "usage: fuzz json [libFuzzer's flags] [corpus]"

guard CommandLine.arguments.count >= 2 else {
    print(usage)
    exit(EX_USAGE)
}
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
switch CommandLine.arguments[1] {
case "json": unsafe exit(postern_run_fuzzer(&count, &arguments, json))
default:
    print(usage)
    exit(EX_USAGE)
}
