import Glibc

/// Words for an error number.
// unsafe: strerror returns a C string, copied at once.
public enum ErrorText {
    public static func text(_ number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
