/// The fields of `/proc/self/stat` (proc_pid_stat(5)) that are shown.
struct ProcessStatus: Equatable {
    var threads: UInt64
    /// Since the system's start, in clock ticks.
    var startTicks: UInt64
    var virtualBytes: UInt64

    /// Nil where the text is not what the manual says.
    init?(parsing text: Span<UInt8>) {
        // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
        var index = text.count - 1
        while index >= 0 && text[index] != UInt8(ascii: ")") { index -= 1 }
        if index < 0 { return nil }
        index += 1
        var field = 2
        func advance(to wanted: Int) -> UInt64? {
            while field < wanted {
                while index < text.count && text[index] == UInt8(ascii: " ") { index += 1 }
                field += 1
                if field == wanted { break }
                while index < text.count && text[index] != UInt8(ascii: " ") { index += 1 }
            }
            return number(in: text, at: &index)
        }
        guard let threads = advance(to: 20), let startTicks = advance(to: 22), let virtualBytes = advance(to: 23)
        else { return nil }
        self.threads = threads
        self.startTicks = startTicks
        self.virtualBytes = virtualBytes
    }

    /// Resident pages from `/proc/self/statm` (proc_pid_statm(5)); nil where the text is not what the manual says.
    static func residentPages(parsing text: Span<UInt8>) -> UInt64? {
        var index = 0
        guard number(in: text, at: &index) != nil, index < text.count, text[index] == UInt8(ascii: " ") else {
            return nil
        }
        index += 1
        return number(in: text, at: &index)
    }
}

/// Reads decimal digits up to a space, a line's end, or the end; nil where there are none, or too many.
private func number(in text: Span<UInt8>, at index: inout Int) -> UInt64? {
    let start = index
    var value: UInt64 = 0
    while index < text.count, text[index] != UInt8(ascii: " "), text[index] != UInt8(ascii: "\n") {
        let digit = text[index] &- UInt8(ascii: "0")
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        if digit > 9 || overflow || carry { return nil }
        value = sum
        index += 1
    }
    return index > start ? value : nil
}
