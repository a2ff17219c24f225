import Glibc

/// What a terminal says of its window.
public enum TerminalSize {
    /// Columns now; nil when the descriptor is no terminal, or the terminal does not know.
    public static func columns(of descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
