import Glibc
import PosternClient

/// A terminal that shows one screen of text, written over each time, and is given back as it was at the end.
// unsafe: the system reads and writes locals for the length of each call.
struct LiveScreen: ~Copyable {
    /// How the terminal took keys before; nil where standard input is none.
    private let settings: termios?

    private static let begin = "\u{1B}[?1049h\u{1B}[?25l"
    private static let end = "\u{1B}[?25h\u{1B}[?1049l"
    private static let top = "\u{1B}[H"
    private static let restOfLine = "\u{1B}[K"
    private static let restOfScreen = "\u{1B}[J"

    init() throws(ClientFailure) {
        try Output.write(Self.begin)
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else {
            self.settings = nil
            return
        }
        self.settings = settings
        // Keys are read as they are pressed, and not shown. Those that send signals still do.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    deinit {
        if var settings { unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings) }
        StandardStream.output(Self.end)
    }

    private var size: winsize? {
        var size = winsize()
        let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0 && size.ws_col > 0
        return isKnown ? size : nil
    }

    /// How many lines it shows; of a terminal that does not say, as many as is usual.
    var rows: Int { size.map { Int($0.ws_row) } ?? 24 }

    /// Shows lines from the top on, as far as there is room for them.
    func show(_ lines: [String]) throws(ClientFailure) {
        let columns = size.map { Int($0.ws_col) } ?? 80
        let shown = lines.prefix(rows).map { Self.restOfLine + $0.prefix(columns) }
        try Output.write(Self.top + shown.joined(separator: "\n") + Self.restOfScreen)
    }

    /// Waits so long, or until `q` is pressed, the terminal is gone or a signal comes.
    /// - Returns: whether nobody wants to look any more.
    func isLeft(within milliseconds: Int) -> Bool {
        guard settings != nil else {
            Clock.sleep(milliseconds: milliseconds)
            return false
        }
        let end = Clock.milliseconds + UInt64(milliseconds)
        while true {
            let now = Clock.milliseconds
            guard now < end, InputFile.isReady(STDIN_FILENO, milliseconds: Int32(clamping: end - now)) else {
                return false
            }
            var key: UInt8 = 0
            guard unsafe read(STDIN_FILENO, &key, 1) == 1, key != UInt8(ascii: "q") else { return true }
        }
    }
}
