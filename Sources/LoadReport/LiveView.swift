public import Terminal

/// The course of a run while it runs: a block of lines that is redrawn in place on a terminal, and a line now and then
/// where there is none.
///
/// The cursor is never hidden and stands behind the block between two updates, so that a process that is killed leaves the
/// terminal as it was.
public struct LiveView {
    /// In a pipe, runs of up to so many seconds have a line for each interval.
    private static let everyIntervalSecondsMax = 20.0
    private static let lineSeconds = 5.0
    private static let courseMax = 120

    private let title: String
    private let rate: Double?
    private let durationSeconds: Double
    private let warmupSeconds: Double
    private let style: TextStyle
    private let isTerminal: Bool
    private let size: () -> TerminalSize
    private let write: (String) -> Void
    private var course: [LoadReport.Interval] = []
    private var errors: UInt64 = 0
    private var due: UInt64 = 0
    /// Intervals that no line has shown; without a terminal.
    private var pending: [LoadReport.Interval] = []
    /// Lines of the block that stand on the terminal.
    private var linesDrawn = 0

    /// - Parameters:
    ///   - title: what is loaded and how, for the first line.
    ///   - rate: requests a second that are due at the end of the ramp; nil in a closed loop.
    ///   - isTerminal: whether what is written goes to one.
    ///   - size: of the window; asked at each update, since windows change.
    ///   - write: takes text that is shown at once.
    public init(
        title: String, rate: Double?, durationSeconds: Double, warmupSeconds: Double, style: TextStyle,
        isTerminal: Bool, size: @escaping () -> TerminalSize, write: @escaping (String) -> Void
    ) {
        self.title = TerminalText.printable(title)
        self.rate = rate
        self.durationSeconds = durationSeconds
        self.warmupSeconds = warmupSeconds
        self.style = style
        self.isTerminal = isTerminal
        self.size = size
        self.write = write
    }

    /// Shows what happened in the last interval. Call it on one thread, in the intervals' order.
    public mutating func update(_ interval: LoadReport.Interval) {
        if interval.offsetSeconds >= 0 {
            self.errors += interval.errors
            self.due += interval.due
        }
        if self.isTerminal {
            self.course.append(interval)
            if self.course.count > Self.courseMax { self.course.removeFirst() }
            self.redraw(self.block(interval))
        } else {
            self.pending.append(interval)
            let isLong = self.durationSeconds > Self.everyIntervalSecondsMax
            let seconds = self.pending.reduce(0) { $0 + $1.lengthSeconds }
            if !isLong || seconds >= Self.lineSeconds - 0.01 { self.printPending() }
        }
    }

    /// Removes the block, so that a report begins on a clean line; in a pipe the last line is written.
    public mutating func finish() {
        if self.linesDrawn > 0 { self.write(Self.toStart(of: self.linesDrawn) + "\u{1B}[J") }
        self.linesDrawn = 0
        self.printPending()
    }

    // MARK: In place

    private mutating func redraw(_ lines: [String]) {
        var text = self.linesDrawn > 0 ? Self.toStart(of: self.linesDrawn) : ""
        // Without automatic wrapping (DECAWM) the terminal itself keeps a line one, also when it is resized.
        text += "\u{1B}[?7l" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J\u{1B}[?7h"
        self.linesDrawn = lines.count
        self.write(text)
    }

    private static func toStart(of lines: Int) -> String { "\r\u{1B}[\(lines)A" }

    private func block(_ interval: LoadReport.Interval) -> [String] {
        let size = self.size()
        let columns = max(20, size.columns)
        let offset = interval.offsetSeconds + interval.lengthSeconds
        var lines = [
            self.style.styled(TerminalText.cut(self.title, columns), .bold), self.progressLine(offset, columns), "",
        ]
        let due =
            self.rate.map { _ in " of \(NumberText.rate(Double(interval.due) / interval.lengthSeconds)) due" } ?? ""
        lines.append(self.line("answers/s", NumberText.rate(interval.rate) + due, \.rate, columns))
        lines.append(self.line("in flight", NumberText.grouped(interval.inFlight), { Double($0.inFlight) }, columns))
        lines.append(self.line("p50", Self.time(interval, interval.p50), { $0.answers > 0 ? $0.p50 : nil }, columns))
        lines.append(self.line("p99", Self.time(interval, interval.p99), { $0.answers > 0 ? $0.p99 : nil }, columns))
        lines.append(
            self.line("p99.9", Self.time(interval, interval.p999), { $0.answers > 0 ? $0.p999 : nil }, columns))
        let share = self.due > 0 ? " (\(NumberText.percent(Double(self.errors) / Double(self.due))))" : ""
        let errors = self.line("errors", NumberText.grouped(self.errors) + share, { Double($0.errors) }, columns)
        lines.append(self.errors > 0 ? self.style.styled(errors, .red) : errors)
        // What is higher than the window scrolls, and would then be drawn anew below itself.
        return Array(lines.filter { size.rows > lines.count || !$0.isEmpty }.prefix(max(1, size.rows - 1)))
    }

    private func line(
        _ name: String, _ value: String, _ course: (LoadReport.Interval) -> Double?, _ columns: Int
    ) -> String {
        let text = "  \(TerminalText.padded(name, 10))\(TerminalText.padded(value, 22))"
        let cells = columns - TerminalText.width(text) - 1
        guard cells >= 8 else { return TerminalText.cut(text, columns) }
        return text + Sparkline.text(self.course.suffix(cells).map(course))
    }

    private func progressLine(_ offset: Double, _ columns: Int) -> String {
        let text =
            offset <= 0
            ? "warm-up, \(NumberText.decimals(abs(offset), 0)) s to go"
            : "\(NumberText.decimals(min(offset, self.durationSeconds), 0)) of "
                + "\(NumberText.decimals(self.durationSeconds, 0)) s"
        let cells = min(40, columns - TerminalText.width(text) - 6)
        guard cells >= 5, self.durationSeconds > 0 else { return TerminalText.cut("  " + text, columns) }
        let done = Int(min(max(offset / self.durationSeconds, 0), 1) * Double(cells))
        let bar = String(repeating: "━", count: done)
        let rest = String(repeating: "─", count: cells - done)
        return "  " + self.style.styled(bar, .green) + self.style.styled(rest, .dim) + "  " + text
    }

    private static func time(_ interval: LoadReport.Interval, _ microseconds: Double) -> String {
        interval.answers > 0 ? NumberText.time(microseconds: microseconds) : "-"
    }

    // MARK: Line by line

    private mutating func printPending() {
        // What came in after the last request was sent is no rate of its own.
        if self.pending.count == 1, let rest = self.pending.first, rest.lengthSeconds < 0.5 {
            self.pending = []
            if rest.answers + rest.errors > 0 {
                self.write("   rest  " + Self.latenciesText(rest, "\(NumberText.grouped(rest.answers)) answers"))
            }
            return
        }
        guard !self.pending.isEmpty else { return }
        let joined = LoadReport.Interval.joined(self.pending)
        self.pending = []
        let offset = joined.offsetSeconds + joined.lengthSeconds
        let isWarmup = joined.offsetSeconds < 0
        let place = isWarmup ? "warm-up" : NumberText.decimals(offset, 0) + " s"
        let rate = "\(NumberText.rate(joined.rate)) answers/s, in flight \(NumberText.grouped(joined.inFlight))"
        self.write("\(TerminalText.leftPadded(place, 7))  " + Self.latenciesText(joined, rate))
    }

    private static func latenciesText(_ interval: LoadReport.Interval, _ head: String) -> String {
        let latencies = [
            ("p50", interval.p50), ("p99", interval.p99), ("p99.9", interval.p999), ("max", interval.max),
        ].map { "\($0.0) \(Self.time(interval, $0.1))" }
        return head + ", " + latencies.joined(separator: ", ") + ", errors \(NumberText.grouped(interval.errors))\n"
    }
}
