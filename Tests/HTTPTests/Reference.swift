import CHTTPParser
import Glibc

/// What independent implementations say.
///
/// unsafe: lends bytes and room for the answer to C for the length of each call.
enum Reference {
    /// What http_parser says of a request; nil where it refuses it.
    static func request(_ bytes: [UInt8]) -> String? {
        unsafe parse(bytes) { unsafe postern_reference_parse($0.baseAddress, $0.count, $1.baseAddress, $1.count) }
    }

    /// What http_parser says of a response; nil where it refuses it.
    static func response(_ bytes: [UInt8]) -> String? {
        unsafe parse(bytes) {
            unsafe postern_reference_parse_response($0.baseAddress, $0.count, $1.baseAddress, $1.count)
        }
    }

    /// The C library's date for a second since 1970.
    static func date(_ unixSeconds: Int64) -> String {
        var seconds = time_t(unixSeconds)
        var parts = unsafe tm()
        var text = [CChar](repeating: 0, count: 64)
        unsafe gmtime_r(&seconds, &parts)
        // glibc's %Y is not padded, which an HTTP date is.
        let length = unsafe strftime(&text, text.count, "%a, %d %b #### %H:%M:%S GMT", &parts)
        let year = unsafe String(parts.tm_year + 1900)
        let written = String(decoding: text[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return written.replacing("####", with: String(repeating: "0", count: 4 - year.utf8.count) + year)
    }

    @unsafe
    private static func parse(
        _ bytes: [UInt8], _ call: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) -> Int
    ) -> String? {
        var text = [UInt8](repeating: 0, count: 2 * bytes.count + 1024)
        let length = unsafe bytes.withUnsafeBufferPointer { source in
            unsafe text.withUnsafeMutableBufferPointer { room in unsafe call(source, room) }
        }
        return length < 0 ? nil : String(decoding: text[..<length], as: UTF8.self)
    }
}
