import LoadReport
import OAP

/// The report for programs: one object, whose members stay what they are.
extension LoadReport {
    var json: String {
        var writer = JSONWriter(capacity: 2048)
        writer.raw("{\"mode\":")
        writer.string(self.plan.mode.rawValue)
        writer.raw(",\"workload\":")
        writer.string(self.plan.workload)
        writer.raw(",\"server\":")
        writer.string(self.plan.server)
        writer.raw(",\"io\":")
        writer.string(self.environment.loop)
        self.write("connections", self.plan.connections, to: &writer)
        self.write("depth", self.plan.depth, to: &writer)
        self.write("threads", self.plan.threads, to: &writer)
        self.write("keys", self.plan.keys, to: &writer)
        self.write("seed", self.plan.seed, to: &writer)
        self.write("requests", self.outcome.answers, to: &writer)
        self.write("due", self.outcome.requestsDue, to: &writer)
        self.write("unsent", self.outcome.unsent, to: &writer)
        self.write("duration_s", self.outcome.elapsedSeconds, to: &writer)
        self.write("requests_per_s", self.outcome.answersPerSecond, to: &writer)
        self.write(times: "latency_us", self.latency, to: &writer)
        self.write(times: "service_us", self.serviceTime, to: &writer)
        self.write(times: "lag_us", self.scheduleLag, to: &writer)
        self.write("inflight_mean", self.outcome.inFlightMean, to: &writer)
        self.write("bytes_out", self.outcome.bytesOut, to: &writer)
        self.write("bytes_in", self.outcome.bytesIn, to: &writer)
        writer.raw(",\"cpu\":{\"user_us\":")
        writer.number(self.generator.userMicroseconds)
        self.write("system_us", self.generator.systemMicroseconds, to: &writer)
        self.write("us_per_request", self.generator.microsecondsPerRequest, to: &writer)
        self.write("share_max", self.generator.processorShareMax, to: &writer)
        writer.raw("}")
        self.writeStatuses(to: &writer)
        self.write("unanswered", self.outcome.unanswered, to: &writer)
        self.write("invalid_answers", self.outcome.invalidAnswers, to: &writer)
        self.write("unexpected_frames", self.outcome.unexpectedFrames, to: &writer)
        self.write("connections_lost", self.outcome.connectionsLost, to: &writer)
        self.write("goaways", self.outcome.goAways, to: &writer)
        writer.raw(",\"bottlenecks\":[")
        for (index, sentence) in self.generator.bottlenecks.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.string(sentence)
        }
        writer.raw(self.outcome.wasInterrupted ? "],\"interrupted\":true" : "],\"interrupted\":false")
        writer.raw(self.verdict == .passed ? ",\"ok\":true}" : ",\"ok\":false}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func write(times name: String, _ times: Latency, to writer: inout JSONWriter) {
        writer.raw(",\"\(name)\":{\"mean\":")
        if times.count > 0 { writer.number(Self.rounded(times.mean)) } else { writer.raw("null") }
        for (name, percentile) in [("p50", 50), ("p90", 90), ("p99", 99), ("p99_9", 99.9)] as [(String, Double)] {
            writer.raw(",\"\(name)\":")
            guard let value = times.percentiles.first(where: { $0.percentile == percentile }) else {
                writer.raw("null")
                continue
            }
            writer.number(Self.rounded(value.microseconds))
        }
        writer.raw(",\"max\":")
        if times.count > 0 { writer.number(Self.rounded(times.max)) } else { writer.raw("null") }
        writer.raw("}")
    }

    private func writeStatuses(to writer: inout JSONWriter) {
        writer.raw(",\"statuses\":[")
        for (index, row) in self.statuses.enumerated() {
            writer.raw(index == 0 ? "{\"status\":" : ",{\"status\":")
            writer.number(row.status)
            writer.raw(",\"code\":")
            if let code = row.code { writer.string(code) } else { writer.raw("null") }
            self.write("count", row.count, to: &writer)
            writer.raw(row.isExpected ? ",\"expected\":true}" : ",\"expected\":false}")
        }
        writer.raw("]")
    }

    private func write(_ name: String, _ value: some FixedWidthInteger, to writer: inout JSONWriter) {
        writer.raw(",\"\(name)\":")
        writer.number(value)
    }

    private func write(_ name: String, _ value: Double, to writer: inout JSONWriter) {
        writer.raw(",\"\(name)\":")
        writer.number(Self.rounded(value))
    }

    /// To three decimals.
    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
