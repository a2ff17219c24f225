import LoadReport
import Terminal
import Testing

@Suite struct LiveViewTests {
    private final class Output {
        var text = ""
    }

    private static func view(
        _ output: Output, seconds: Double, isTerminal: Bool, columns: Int = 80, rows: Int = 24
    ) -> LiveView {
        LiveView(
            title: "resolve on 127.0.0.1:9444", rate: 500, durationSeconds: seconds, warmupSeconds: 2,
            style: TextStyle(hasColours: false, columns: columns), isTerminal: isTerminal,
            size: { TerminalSize(columns: columns, rows: rows) }, write: { output.text += $0 })
    }

    @Test(arguments: [24, 40, 80, 200]) func blockIsRedrawnInPlace(columns: Int) {
        let output = Output()
        var view = Self.view(output, seconds: 60, isTerminal: true, columns: columns)
        var screen = Screen()
        for interval in SampleReport(shape: .refusing, seconds: 60).report.series {
            view.update(interval)
            screen.show(output.text)
            output.text = ""
            #expect(screen.lines.contains { $0.hasPrefix("  p99.9") })
            #expect(screen.lines.count == 9 + 1)
            #expect(screen.lines.allSatisfy { TerminalText.width($0) <= columns }, "\(screen.lines)")
        }
        #expect(columns < 40 || screen.lines[1].hasSuffix("60 of 60 s"))
        view.finish()
        screen.show(output.text)
        #expect(screen.lines == [""])
        #expect(screen.row == 0)
        view.finish()
    }

    /// What is killed between two updates leaves the cursor shown and the lines wrapping.
    @Test func terminalIsLeftAsItWas() {
        let output = Output()
        var view = Self.view(output, seconds: 5, isTerminal: true)
        view.update(SampleReport(seconds: 1).report.series[0])
        #expect(!output.text.contains("\u{1B}[?25l"))
        #expect(output.text.components(of: "\u{1B}[?7l") == output.text.components(of: "\u{1B}[?7h"))
        #expect(output.text.hasSuffix("\u{1B}[?7h"))
        #expect(!output.text.contains("\u{1B}[3"), "colours where there are none")
    }

    @Test func warmupIsCountedDown() {
        let output = Output()
        var view = Self.view(output, seconds: 5, isTerminal: true)
        var interval = LoadReport.Interval()
        interval.offsetSeconds = -2
        interval.errors = 81
        view.update(interval)
        #expect(output.text.contains("warm-up, 1 s to go"))
        #expect(!output.text.contains("81"))
    }

    /// A block that is higher than its window would scroll at each update and leave copies of itself.
    @Test(arguments: [2, 6, 9, 10]) func blockIsNeverHigherThanTheWindow(rows: Int) {
        let output = Output()
        var view = Self.view(output, seconds: 3, isTerminal: true, rows: rows)
        for interval in SampleReport(seconds: 3).report.series { view.update(interval) }
        var screen = Screen()
        screen.show(output.text)
        #expect(screen.lines.count <= rows, "\(screen.lines)")
        #expect(screen.lines[0].hasPrefix("resolve on"))
    }

    @Test func pipesHaveALineForEachInterval() {
        let output = Output()
        var view = Self.view(output, seconds: 4, isTerminal: false)
        for interval in SampleReport(seconds: 4).report.series { view.update(interval) }
        view.finish()
        let lines = output.text.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[3].hasPrefix("    4 s  500 answers/s"))
        #expect(!output.text.contains("\u{1B}"))
    }

    @Test func longRunsHaveALineEveryFiveSeconds() {
        let output = Output()
        var view = Self.view(output, seconds: 62, isTerminal: false)
        for interval in SampleReport(seconds: 62).report.series { view.update(interval) }
        view.finish()
        let lines = output.text.split(separator: "\n")
        #expect(lines.count == 13)
        #expect(lines.last?.hasPrefix("   62 s") == true)
    }

    /// What came in after the last request was sent has counts and no rate; nothing has no line.
    @Test(arguments: [(0, false), (3, true)] as [(UInt64, Bool)]) func restHasNoRate(answers: UInt64, isShown: Bool) {
        let output = Output()
        var view = Self.view(output, seconds: 2, isTerminal: false)
        for interval in SampleReport(seconds: 2).report.series { view.update(interval) }
        var rest = LoadReport.Interval()
        rest.offsetSeconds = 2
        rest.lengthSeconds = 0.001
        rest.answers = answers
        view.update(rest)
        view.finish()
        #expect(output.text.split(separator: "\n").count == (isShown ? 3 : 2))
        #expect(output.text.contains("   rest  3 answers, p50") == isShown)
    }

    @Test func noAnswerIsNoLatency() {
        let output = Output()
        var view = Self.view(output, seconds: 2, isTerminal: false)
        for interval in SampleReport(shape: .silent, seconds: 2).report.series { view.update(interval) }
        #expect(output.text.contains("p50 -, p99 -"))
        #expect(output.text.contains("errors 500"))
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { self.ranges(of: text).count }
}

/// As much of a terminal as the view uses: what stands on it, and where the cursor is.
private struct Screen {
    var lines = [""]
    var row = 0

    mutating func show(_ text: String) {
        var rest = text[...]
        while let first = rest.first {
            if let escape = rest.prefixMatch(of: /\u{1B}\[(\??[0-9]*)([A-Za-z])/) {
                self.run(escape.output.2, Int(escape.output.1) ?? 0)
                rest = rest[escape.range.upperBound...]
                continue
            }
            rest.removeFirst()
            switch first {
            case "\n":
                self.row += 1
                if self.row == self.lines.count { self.lines.append("") }
                self.isAtStart = true
            case "\r": self.isAtStart = true
            default:
                if self.isAtStart { self.lines[self.row] = "" }
                self.isAtStart = false
                self.lines[self.row].append(first)
            }
        }
    }

    private var isAtStart = true

    private mutating func run(_ command: Substring, _ number: Int) {
        switch command {
        case "A": self.row = max(0, self.row - number)
        case "J":
            self.lines.removeLast(self.lines.count - self.row - 1)
            if self.isAtStart { self.lines[self.row] = "" }
        default: break
        }
    }
}
