import Foundation
import Glibc

/// One line on standard error that shows how far a run is; only on a terminal, and cut to its columns.
struct ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private let duration: Duration
    private var drawn: ContinuousClock.Instant
    private var answersDrawn: UInt64 = 0
    private var isDrawn = false

    init(duration: Duration) {
        self.duration = duration
        self.drawn = self.start
    }

    mutating func update(_ control: LoadControl) {
        let now = ContinuousClock.now
        guard self.isTerminal, now - self.drawn >= .seconds(1) else { return }
        let answers = control.answers
        let rate = Double(answers - self.answersDrawn) / ((now - self.drawn) / .seconds(1))
        let seconds = Int((now - self.start) / .seconds(1))
        let total = LoadResult.decimals(self.duration / .seconds(1), 0)
        let text = "\(seconds) of \(total) s, \(LoadResult.grouped(UInt64(rate))) requests a second"
        // Without automatic wrapping (DECAWM) the terminal itself keeps the line one, also when it is resized.
        Self.write("\r\u{1B}[K\u{1B}[?7l" + text + "\u{1B}[?7h")
        self.drawn = now
        self.answersDrawn = answers
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
