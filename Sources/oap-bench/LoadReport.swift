import Histogram
import OAP
import Reactor

/// One row of the table of statuses.
struct StatusRow: Sendable {
    let status: UInt16
    /// The code in the body of an error; empty for 200, and "?" when the body named none that belongs to the status.
    let code: String
    let count: UInt64
}

extension LoadResult {
    var statuses: [StatusRow] {
        var rows: [StatusRow] = []
        if self.tally.successes > 0 { rows.append(StatusRow(status: 200, code: "", count: self.tally.successes)) }
        for code in ErrorCode.allCases where self.tally.errors[Int(code.rawValue)] > 0 {
            rows.append(
                StatusRow(status: code.status, code: code.name, count: self.tally.errors[Int(code.rawValue)]))
        }
        for (status, count) in self.tally.otherStatuses {
            rows.append(StatusRow(status: status, code: "?", count: count))
        }
        return rows.sorted { ($0.status, $0.code) < ($1.status, $1.code) }
    }

    var requestsPerSecond: Double {
        self.durationSeconds > 0 ? Double(self.tally.answers) / self.durationSeconds : 0
    }

    /// The generator's own processor time for each answered request.
    var processorMicrosecondsPerRequest: Double {
        self.tally.answers > 0 ? Double(self.processorTime.totalMicroseconds) / Double(self.tally.answers) : 0
    }

    /// Why nothing at all was answered, as far as it can be told; nil when something was.
    var silence: String? {
        guard self.tally.answers == 0, self.tally.goAways == 0, !self.wasInterrupted else { return nil }
        let isForeign = self.tally.losses.keys.contains { loss in
            switch loss {
            case .malformed: true
            case .ended, .failed, .memory: false
            }
        }
        let what = isForeign ? "sent bytes that are no OAP/1" : "answered nothing"
        return "\(self.plan.server) \(what); is it an OAP/1 port? (the admin port speaks HTTP)"
    }

    static let percentiles: [(name: String, percentile: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9),
    ]

    func latencyMicroseconds(percentile: Double) -> Double {
        self.tally.answers > 0 ? Double(self.tally.latencies.valueAtPercentile(percentile)) / 1000 : 0
    }

    var latencyMicrosecondsMax: Double {
        self.tally.answers > 0 ? Double(self.tally.latencies.max) / 1000 : 0
    }

    var latencyMicrosecondsMean: Double {
        self.tally.answers > 0 ? self.tally.latencies.mean / 1000 : 0
    }
}
