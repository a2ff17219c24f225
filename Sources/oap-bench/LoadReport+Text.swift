import Foundation
import Reactor

/// The report for people, in 80 columns.
extension LoadResult {
    var text: String {
        var lines = self.headLines
        lines.append("")
        lines.append(
            "  requests   \(Self.grouped(self.tally.answers)) answered in \(Self.decimals(self.durationSeconds, 2)) s, "
                + "\(Self.grouped(UInt64(self.requestsPerSecond.rounded()))) a second")
        lines.append("  latency    " + self.latencyText)
        lines.append("  bytes      \(Self.bytes(self.tally.bytesOut)) out, \(Self.bytes(self.tally.bytesIn)) in")
        lines.append("  own CPU    " + self.processorText)
        lines.append("  lost       \(self.lossText)")
        lines.append("")
        lines += self.statusLines
        lines += self.problemLines
        return lines.joined(separator: "\n")
    }

    private var headLines: [String] {
        var load =
            "\(Self.counted(self.plan.connectionsCount, "connection")), depth \(self.plan.depth), "
            + "\(Self.counted(self.plan.threadsCount, "thread")), \(self.plan.backend.rawValue)"
        if self.plan.workload == .resolve {
            load += "; \(Self.grouped(UInt64(self.plan.keys.count))) keys, seed \(self.plan.seed)"
        }
        return ["\(self.plan.workload.rawValue), closed loop, \(self.plan.server)", "  " + load]
    }

    /// Without an answer there is nothing to divide by.
    private var processorText: String {
        guard self.tally.answers > 0 else { return "-" }
        let cost = Double(self.tally.answers)
        return "\(Self.decimals(self.processorMicrosecondsPerRequest, 2)) us a request "
            + "(user \(Self.decimals(Double(self.processorTime.userMicroseconds) / cost, 2)), "
            + "system \(Self.decimals(Double(self.processorTime.systemMicroseconds) / cost, 2)))"
    }

    private var latencyText: String {
        guard self.tally.answers > 0 else { return "-" }
        let named = Self.percentiles.map { name, percentile in
            "\(name) \(Self.time(self.latencyMicroseconds(percentile: percentile)))"
        }
        return named.joined(separator: "  ") + "  max \(Self.time(self.latencyMicrosecondsMax))"
    }

    private var lossText: String {
        let lost = self.tally.connectionsLost
        guard lost > 0 else { return "no connection" }
        let reasons = self.tally.losses.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key.sentence)" }
        return "\(lost) of \(self.plan.connectionsCount) connections: " + reasons.joined(separator: ", ")
    }

    private var statusLines: [String] {
        guard !self.statuses.isEmpty else { return ["  no answer at all"] }
        let width = max(4, self.statuses.map(\.code.count).max() ?? 0)
        var lines = ["  status  \(Self.padded("code", width))           count    share"]
        for row in self.statuses {
            let share = Self.decimals(100 * Double(row.count) / Double(self.tally.answers), 2) + " %"
            let line =
                "  \(row.status)     \(Self.padded(row.code, width))  \(Self.leftPadded(Self.grouped(row.count), 14))"
                + "  \(Self.leftPadded(share, 8))"
            lines.append(line + (self.plan.expected.contains(row.status) ? "" : "  unexpected"))
        }
        return lines
    }

    private var problemLines: [String] {
        let counts = [
            (self.tally.unanswered, "requests without an answer"),
            (self.tally.invalidAnswers, "answers that are not what was asked for"),
            (self.tally.unexpectedFrames, "frames that nobody asked for"),
            (self.tally.goAways, "connections that the gateway asked to end (GOAWAY)"),
        ].filter { $0.0 > 0 }
        var lines = counts.map { "  \(Self.grouped($0.0)) \($0.1)" }
        if self.wasInterrupted { lines.append("  interrupted before the duration was over") }
        return lines.isEmpty ? [] : [""] + lines
    }

    // MARK: Numbers

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    static func decimals(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

    /// `1234567` as `1,234,567`.
    static func grouped(_ number: UInt64) -> String {
        var digits = Array(String(number))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }

    private static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(count) B" : "\(Self.decimals(value, 1)) \(unit)" }
            value /= 1024
        }
        return "\(Self.decimals(value, 1)) TiB"
    }

    /// Three digits and a unit: `87.2us`, `4.31ms`, `1.20s`.
    private static func time(_ microseconds: Double) -> String {
        let (value, unit) =
            microseconds < 1000
            ? (microseconds, "us") : microseconds < 1_000_000 ? (microseconds / 1000, "ms") : (microseconds / 1e6, "s")
        return Self.decimals(value, value < 10 ? 2 : value < 100 ? 1 : 0) + unit
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func leftPadded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
