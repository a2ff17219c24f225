import Terminal

/// What every form of report says in words.
extension LoadReport {
    /// The verdict in one word or two, and why.
    var headline: (word: String, reason: String) {
        switch self.verdict {
        case .passed:
            let count = self.thresholds.count
            let held =
                switch count {
                case 0: ""
                case 1: ", and the threshold holds"
                case 2: ", and both thresholds hold"
                default: ", and all \(count) thresholds hold"
                }
            return ("Passed", "every answer was as expected" + held)
        case .failed: return ("Failed", self.failureReasons.joined(separator: "; "))
        case .missed:
            let missed = self.thresholds.filter { !$0.passed }.map {
                "\(TerminalText.printable($0.expression)) \($0.measured == nil ? "" : "was ")\($0.measuredText)"
            }
            return ("Missed", missed.joined(separator: "; "))
        case .unusable:
            // A generator that is late makes latencies wrong, but breaks no connection.
            let besides = self.outcome.isClean ? "" : "; besides, " + self.failureReasons.joined(separator: "; ")
            return (
                "Unusable",
                "the generator was the bottleneck, so its times say nothing about the server" + besides
            )
        }
    }

    /// What of the run was not as expected.
    var failureReasons: [String] {
        let outcome = self.outcome
        var reasons: [String] = []
        if outcome.answers == 0 {
            reasons.append("nothing was answered")
        } else if outcome.errors > 0 {
            reasons.append(
                "\(NumberText.grouped(outcome.errors)) of \(NumberText.counted(outcome.requestsDue, "request")) failed "
                    + "(\(NumberText.percent(outcome.errorShare ?? 0)))")
        }
        if outcome.unexpectedFrames > 0 {
            reasons.append(NumberText.counted(outcome.unexpectedFrames, "frame") + " that nobody asked for")
        }
        if outcome.connectionsLost > 0 {
            reasons.append(NumberText.counted(outcome.connectionsLost, "connection") + " lost")
        }
        return reasons.isEmpty ? ["an answer was not what the workload expects"] : reasons
    }

    /// Behind the most requests in flight: threads that had theirs at different moments never had the sum.
    var inFlightMaxNote: String { self.plan.threads > 1 ? " (each thread's own, added up)" : "" }

    /// Facts about how the run ended that no number shows.
    var endingNotes: [String] {
        var notes: [String] = []
        if self.outcome.wasInterrupted { notes.append("interrupted before the duration was over") }
        if self.outcome.wasAborted { notes.append("ended early, since a threshold was missed") }
        if self.outcome.goAways > 0 {
            notes.append(
                "\(NumberText.counted(self.outcome.goAways, "connection")) that the gateway asked to end (GOAWAY)")
        }
        return notes
    }

    /// The kinds of failure that are no status, those that occurred.
    var otherErrors: [(name: String, count: UInt64)] {
        [
            ("requests without an answer", self.outcome.unanswered),
            ("requests that were due and never sent", self.outcome.unsent),
            ("answers that are not what was asked for", self.outcome.invalidAnswers),
            ("frames that nobody asked for", self.outcome.unexpectedFrames),
        ].filter { $0.1 > 0 }
    }

    /// `open loop, 500 requests a second (constant)`.
    var loadText: String {
        switch self.plan.mode {
        case .closed: return "closed loop"
        case .open:
            let rate = self.plan.rate.map { ", \(NumberText.rate($0)) requests a second" } ?? ""
            return "open loop" + rate + (self.plan.arrival.map { " (\(TerminalText.printable($0)))" } ?? "")
        }
    }

    /// `50 connections, depth 16, 1 thread, io_uring`.
    var meansText: String {
        "\(NumberText.counted(self.plan.connections, "connection")), depth \(self.plan.depth), "
            + "\(NumberText.counted(self.plan.threads, "thread")), \(TerminalText.printable(self.environment.loop))"
    }

    static func secondsText(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(NumberText.grouped(seconds)) s" : "\(NumberText.decimals(seconds, 1)) s"
    }

    /// The three distributions with the names that a reader knows them by; the closed loop has only one.
    var distributions: [(name: String, meaning: String, latency: Latency)] {
        let all = [
            ("latency", "from the moment a request was due to its answer", self.latency),
            ("service time", "from its send to its answer", self.serviceTime),
            ("send lag", "from the moment it was due to its send", self.scheduleLag),
        ]
        let connects = self.connectTime.map { [("connect time", "from the begin of a connect to its end", $0)] } ?? []
        switch self.plan.mode {
        case .open: return all + connects
        case .closed: return [("latency", "from the send of a request to its answer", self.latency)] + connects
        }
    }
}
