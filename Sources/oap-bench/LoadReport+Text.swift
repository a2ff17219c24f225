import LoadReport
import Terminal

/// The report for people, in 80 columns.
extension LoadReport {
    var text: String {
        let outcome = self.outcome
        var lines = self.headLines
        lines.append("")
        lines.append(
            "  requests   \(NumberText.grouped(outcome.answers)) answered in "
                + "\(NumberText.decimals(outcome.elapsedSeconds, 2)) s, "
                + "\(NumberText.grouped(Int(outcome.answersPerSecond.rounded()))) a second")
        lines.append("  latency    " + Self.text(self.latency))
        if self.plan.mode == .open { lines.append("  lag        " + Self.text(self.scheduleLag)) }
        lines.append("  bytes      \(NumberText.bytes(outcome.bytesOut)) out, \(NumberText.bytes(outcome.bytesIn)) in")
        lines.append("  own CPU    " + self.processorText)
        lines.append("  lost       \(self.lossText)")
        lines.append("")
        lines += self.statusLines
        lines += self.problemLines
        return lines.joined(separator: "\n")
    }

    private var headLines: [String] {
        var load =
            "\(NumberText.counted(self.plan.connections, "connection")), depth \(self.plan.depth), "
            + "\(NumberText.counted(self.plan.threads, "thread")), \(self.environment.loop)"
        if self.plan.keys > 0 { load += "; \(NumberText.grouped(self.plan.keys)) keys, seed \(self.plan.seed)" }
        return ["\(self.plan.workload), \(self.plan.mode.rawValue) loop, \(self.plan.server)", "  " + load]
    }

    /// Without an answer there is nothing to divide by.
    private var processorText: String {
        guard self.outcome.answers > 0 else { return "-" }
        return "\(NumberText.decimals(self.generator.microsecondsPerRequest, 2)) us a request"
    }

    private static func text(_ times: Latency) -> String {
        guard times.count > 0 else { return "-" }
        let named = times.percentiles.filter { [50, 90, 99, 99.9].contains($0.percentile) }.map {
            "p\($0.percentile == 99.9 ? "99.9" : String(Int($0.percentile))) "
                + NumberText.time(microseconds: $0.microseconds)
        }
        return named.joined(separator: "  ") + "  max \(NumberText.time(microseconds: times.max))"
    }

    private var lossText: String {
        guard self.outcome.connectionsLost > 0 else { return "no connection" }
        let reasons = self.losses.map { "\($0.count) \($0.reason)" }
        return "\(self.outcome.connectionsLost) of \(self.plan.connections) connections: "
            + reasons.joined(separator: ", ")
    }

    private var statusLines: [String] {
        guard !self.statuses.isEmpty else { return ["  no answer at all"] }
        return self.statuses.map { row in
            let share = NumberText.decimals(100 * Double(row.count) / Double(self.outcome.answers), 2) + " %"
            return "  \(row.status)  \(NumberText.grouped(row.count))  \(share)  \(row.code ?? "")"
                + (row.isExpected ? "" : "  unexpected")
        }
    }

    private var problemLines: [String] {
        let counts = [
            (self.outcome.unsent, "requests that were due and never sent"),
            (self.outcome.unanswered, "requests without an answer"),
            (self.outcome.invalidAnswers, "answers that are not what was asked for"),
            (self.outcome.unexpectedFrames, "frames that nobody asked for"),
            (self.outcome.goAways, "connections that the gateway asked to end (GOAWAY)"),
        ].filter { $0.0 > 0 }
        var lines = counts.map { "  \(NumberText.grouped($0.0)) \($0.1)" }
        lines += self.generator.bottlenecks.map { "  the generator was the bottleneck: \($0)" }
        lines += self.generator.notes.map { "  note: \($0)" }
        if self.outcome.wasInterrupted { lines.append("  interrupted before the duration was over") }
        return lines.isEmpty ? [] : [""] + lines
    }

    /// Why nothing at all was answered, as far as it can be told; nil when something was.
    var silence: String? {
        guard self.outcome.answers == 0, self.outcome.goAways == 0, !self.outcome.wasInterrupted else { return nil }
        let isForeign = self.losses.contains { $0.reason.contains("malformed") }
        let what = isForeign ? "sent bytes that are no OAP/1" : "answered nothing"
        return "\(self.plan.server) \(what); is it an OAP/1 port? (the admin port speaks HTTP)"
    }
}
