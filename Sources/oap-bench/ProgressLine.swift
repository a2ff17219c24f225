import Foundation
import Glibc
import LoadReport
import Terminal

/// One line on standard error that shows how far a run is; only on a terminal, and cut to its columns.
struct ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private let duration: Duration
    private var isDrawn = false

    init(duration: Duration) {
        self.duration = duration
    }

    mutating func update(_ interval: LoadReport.Interval) {
        guard self.isTerminal else { return }
        let rate = Double(interval.answers) / max(interval.lengthSeconds, 0.001)
        let seconds = Int((ContinuousClock.now - self.start) / .seconds(1))
        let total = NumberText.decimals(self.duration / .seconds(1), 0)
        let text = "\(seconds) of \(total) s, \(NumberText.grouped(Int(rate))) requests a second"
        // Without automatic wrapping (DECAWM) the terminal itself keeps the line one, also when it is resized.
        Self.write("\r\u{1B}[K\u{1B}[?7l" + text + "\u{1B}[?7h")
        self.isDrawn = true
    }

    /// Removes the line.
    mutating func clear() {
        if self.isDrawn { Self.write("\r\u{1B}[K") }
        self.isDrawn = false
    }

    private static func write(_ text: String) {
        // Nobody is left to tell when standard error itself fails.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
