import OAP
import Reactor

/// The report for programs: one object, whose members stay what they are.
extension LoadResult {
    var json: String {
        var writer = JSONWriter(capacity: 2048)
        writer.raw("{\"mode\":\"closed\",\"workload\":")
        writer.string(self.plan.workload.rawValue)
        writer.raw(",\"server\":")
        writer.string(self.plan.server.description)
        writer.raw(",\"io\":")
        writer.string(self.plan.backend.rawValue)
        self.write("connections", self.plan.connectionsCount, to: &writer)
        self.write("depth", self.plan.depth, to: &writer)
        self.write("threads", self.plan.threadsCount, to: &writer)
        self.write("keys", self.plan.keys.count, to: &writer)
        self.write("seed", self.plan.seed, to: &writer)
        self.write("requests", self.tally.answers, to: &writer)
        self.write("duration_s", self.durationSeconds, to: &writer)
        self.write("requests_per_s", self.requestsPerSecond, to: &writer)
        writer.raw(",\"latency_us\":{\"mean\":")
        self.writeMeasured(self.latencyMicrosecondsMean, to: &writer)
        for (name, percentile) in [("p50", 50), ("p90", 90), ("p99", 99), ("p99_9", 99.9)] as [(String, Double)] {
            self.writeMeasured(name, self.latencyMicroseconds(percentile: percentile), to: &writer)
        }
        self.writeMeasured("max", self.latencyMicrosecondsMax, to: &writer)
        writer.raw("}")
        self.write("bytes_out", self.tally.bytesOut, to: &writer)
        self.write("bytes_in", self.tally.bytesIn, to: &writer)
        writer.raw(",\"cpu\":{\"user_us\":")
        writer.number(self.processorTime.userMicroseconds)
        self.write("system_us", self.processorTime.systemMicroseconds, to: &writer)
        self.writeMeasured("us_per_request", self.processorMicrosecondsPerRequest, to: &writer)
        writer.raw("}")
        self.writeStatuses(to: &writer)
        self.write("unanswered", self.tally.unanswered, to: &writer)
        self.write("invalid_answers", self.tally.invalidAnswers, to: &writer)
        self.write("unexpected_frames", self.tally.unexpectedFrames, to: &writer)
        self.write("connections_lost", self.tally.connectionsLost, to: &writer)
        self.write("goaways", self.tally.goAways, to: &writer)
        writer.raw(self.wasInterrupted ? ",\"interrupted\":true" : ",\"interrupted\":false")
        writer.raw(self.isSuccess ? ",\"ok\":true}" : ",\"ok\":false}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func writeStatuses(to writer: inout JSONWriter) {
        writer.raw(",\"statuses\":[")
        for (index, row) in self.statuses.enumerated() {
            writer.raw(index == 0 ? "{\"status\":" : ",{\"status\":")
            writer.number(row.status)
            writer.raw(",\"code\":")
            if row.code.isEmpty { writer.raw("null") } else { writer.string(row.code) }
            self.write("count", row.count, to: &writer)
            writer.raw(self.plan.expected.contains(row.status) ? ",\"expected\":true}" : ",\"expected\":false}")
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

    private func writeMeasured(_ name: String, _ value: Double, to writer: inout JSONWriter) {
        writer.raw(",\"\(name)\":")
        self.writeMeasured(value, to: &writer)
    }

    /// What only answers can tell: null when there were none.
    private func writeMeasured(_ value: Double, to writer: inout JSONWriter) {
        guard self.tally.answers > 0 else { return writer.raw("null") }
        writer.number(Self.rounded(value))
    }

    /// To three decimals.
    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
