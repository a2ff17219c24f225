import Glibc

/// What a terminal says of its window.
public struct TerminalSize: Equatable, Sendable {
    /// What holds where nobody knows better.
    public static let standard = TerminalSize(columns: TextStyle.columnsDefault, rows: 24)

    public let columns: Int
    public let rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// The window's size now; nil when the descriptor is no terminal, or the terminal does not know.
    public static func of(_ descriptor: Int32) -> TerminalSize? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return TerminalSize(
            columns: Int(size.ws_col), rows: size.ws_row > 0 ? Int(size.ws_row) : Self.standard.rows)
    }
}
