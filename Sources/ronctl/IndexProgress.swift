import Glibc
import Terminal

/// A progress line on standard error, drawn only on a terminal and only when the work takes more than half a second.
/// What a narrow terminal has no columns for is cut.
final class IndexProgress {
    private static let quietTime = Duration.milliseconds(500)
    private static let redrawTime = Duration.milliseconds(100)
    private static let barCells = 30

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var drawn: ContinuousClock.Instant?

    /// Time since the work began.
    var elapsed: Duration { ContinuousClock.now - self.start }

    /// Draws the bar when it is time to.
    ///
    /// - Parameters:
    ///   - fraction: done so far, 0 to 1; nil when the end is not known.
    ///   - text: what was done so far.
    func update(fraction: Double?, _ text: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard self.isTerminal, now - self.start > Self.quietTime else { return }
        if let drawn = self.drawn, now - drawn < Self.redrawTime { return }
        self.drawn = now
        // Without automatic wrapping (DECAWM) the terminal itself keeps the line one, also when it is resized.
        console.printToStandardError("\r\u{1B}[K\u{1B}[?7l\(Self.bar(fraction))\(text())\u{1B}[?7h")
    }

    /// Removes the bar, so that the next line starts clean.
    func clear() {
        if self.drawn != nil { console.printToStandardError("\r\u{1B}[K") }
        self.drawn = nil
    }

    private static func bar(_ fraction: Double?) -> String {
        guard let fraction else { return "" }
        let done = Int(min(max(fraction, 0), 1) * Double(Self.barCells))
        let percent = Int(min(max(fraction, 0), 1) * 100)
        return "[" + String(repeating: "#", count: done) + String(repeating: ".", count: Self.barCells - done)
            + "] \(percent)% "
    }
}
