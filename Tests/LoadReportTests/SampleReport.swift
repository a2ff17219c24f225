import Foundation
import Histogram
import LoadReport

/// Reports of runs that never happened, consistent in themselves: what a load run of that shape would have measured.
struct SampleReport {
    enum Shape {
        /// Answers all, within a millisecond or so.
        case healthy
        /// 429 and 503 from the middle on, and two lost connections.
        case refusing
        /// Nothing for 100 ms in each second.
        case stalling
        /// No answer to anything.
        case silent
    }

    var shape = Shape.healthy
    var rate = 500
    var seconds = 60
    /// Times each latency.
    var slowness = 1.0
    var seed: UInt64 = 1

    var report: LoadReport {
        var source = Source(state: self.seed)
        var report = LoadReport(
            tool: LoadReport.Tool(version: "0.1.0"), environment: Self.environment, plan: self.plan,
            startedAt: "2026-11-24T23:05:09Z", outcome: LoadReport.Outcome(), latency: LoadReport.Latency(),
            serviceTime: LoadReport.Latency(), scheduleLag: LoadReport.Latency(), generator: LoadReport.Generator(),
            statuses: [], losses: [], series: [], thresholds: [], verdict: .passed)
        var (latency, service, lag) = (Self.histogram(), Self.histogram(), Self.histogram())
        var refused: UInt64 = 0
        for second in 0..<self.seconds {
            var interval = LoadReport.Interval()
            var own: [UInt64] = []
            interval.offsetSeconds = Double(second)
            interval.due = UInt64(self.rate)
            interval.sent = UInt64(self.rate)
            for index in 0..<self.rate {
                let phase = Double(index) / Double(self.rate)
                guard self.shape != .silent else { continue }
                if self.shape == .refusing, second > self.seconds / 2, source.unit() < 0.1 {
                    refused += 1
                    interval.errors += 1
                    interval.answers += 1
                    continue
                }
                let served = self.slowness * (180 + 140 * source.exponential() + (source.unit() < 0.002 ? 2500 : 0))
                // What is due in the stall waits for its end.
                let waited = self.shape == .stalling && phase < 0.1 ? (0.1 - phase) * 1_000_000 : 0
                let late = 8 + 12 * source.exponential()
                latency.record(UInt64((served + waited + late) * 1000))
                own.append(UInt64((served + waited + late) * 1000))
                service.record(UInt64((served + min(waited, 20_000)) * 1000))
                lag.record(UInt64((late + max(0, waited - 20_000)) * 1000))
                interval.answers += 1
            }
            interval.inFlight = self.shape == .silent ? 50 : Int(source.unit() * 6)
            if self.shape == .silent { interval.errors = interval.due }
            if !own.isEmpty {
                own.sort()
                let values = [0.5, 0.99, 0.999, 1].map {
                    Double(own[Int((Double(own.count) * $0).rounded(.up)) - 1]) / 1000
                }
                (interval.p50, interval.p99, interval.p999, interval.max) = (values[0], values[1], values[2], values[3])
            }
            interval.lagMax = 40 + 30 * source.exponential()
            report.series.append(interval)
        }
        report.latency = Self.latency(latency)
        report.serviceTime = Self.latency(service)
        report.scheduleLag = Self.latency(lag)
        self.complete(&report, refused)
        return report
    }

    private func complete(_ report: inout LoadReport, _ refused: UInt64) {
        var outcome = LoadReport.Outcome()
        outcome.elapsedSeconds = Double(self.seconds)
        outcome.requestsDue = UInt64(self.rate * self.seconds)
        outcome.requestsSent = outcome.requestsDue
        outcome.successes = report.latency.count
        outcome.answers = outcome.successes + refused
        outcome.errors = outcome.requestsDue - outcome.successes
        outcome.unanswered = outcome.requestsDue - outcome.answers
        outcome.answersPerSecond = Double(outcome.answers) / Double(max(1, self.seconds))
        outcome.inFlightMean = self.shape == .silent ? 50 : 2.4
        outcome.inFlightMax = self.shape == .silent ? 50 : 9
        outcome.bytesOut = outcome.requestsSent * 58
        outcome.bytesIn = outcome.answers * 102
        if outcome.successes > 0 {
            report.statuses.append(
                LoadReport.StatusCount(status: 200, code: nil, count: outcome.successes, isExpected: true))
        }
        if refused > 0 {
            outcome.connectionsLost = 2
            let overloaded = refused / 3
            report.statuses += [
                LoadReport.StatusCount(
                    status: 429, code: "quota_exceeded", count: refused - overloaded, isExpected: false),
                LoadReport.StatusCount(status: 503, code: "overloaded", count: overloaded, isExpected: false),
            ]
            report.losses = [
                LoadReport.LossCount(reason: "closed by the gateway", count: 1),
                LoadReport.LossCount(reason: "ECONNRESET", count: 1),
            ]
        }
        report.outcome = outcome
        report.verdict = outcome.errors > 0 ? .failed : .passed
        report.generator.userMicroseconds = outcome.answers * 2
        report.generator.systemMicroseconds = outcome.answers * 9
        report.generator.processorShareMax = 0.07
        report.generator.processorWaitShareMax = 0.004
        report.generator.microsecondsPerRequest = outcome.answers > 0 ? 11 : 0
    }

    /// Evaluates the thresholds and sets the verdict that follows.
    func report(_ thresholds: String...) throws -> LoadReport {
        var report = self.report
        report.thresholds = try thresholds.map { try Threshold(parsing: $0).evaluate(report) }
        if report.thresholds.contains(where: { !$0.passed }) { report.verdict = .missed }
        return report
    }

    private var plan: LoadReport.Plan {
        var plan = LoadReport.Plan()
        plan.server = "127.0.0.1:9444"
        plan.workload = "resolve"
        plan.rate = Double(self.rate)
        plan.arrival = "constant"
        plan.connections = 50
        plan.depth = 16
        plan.threads = 1
        plan.tenants = 64
        plan.keys = 1_000_000
        plan.seed = self.seed
        plan.warmupSeconds = 2
        plan.durationSeconds = Double(self.seconds)
        return plan
    }

    private static var environment: LoadReport.Environment {
        var environment = LoadReport.Environment()
        environment.architecture = "x86_64"
        environment.kernel = "Linux 6.1.0"
        environment.processor = "A processor of the test"
        environment.processorsCount = 2
        environment.memoryBytes = 8 << 30
        environment.loop = "io_uring"
        return environment
    }

    private static func histogram() -> Histogram<UInt64> {
        Histogram<UInt64>(highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
    }

    static func latency(_ histogram: Histogram<UInt64>) -> LoadReport.Latency {
        var latency = LoadReport.Latency()
        guard histogram.totalCount > 0 else { return latency }
        latency.count = histogram.totalCount
        latency.mean = histogram.mean / 1000
        latency.standardDeviation = histogram.stdDeviation / 1000
        latency.min = Double(histogram.min) / 1000
        latency.max = Double(histogram.max) / 1000
        latency.percentiles = [50, 75, 90, 95, 99, 99.9, 99.99, 99.999].map {
            LoadReport.Latency.Percentile(percentile: $0, microseconds: Double(histogram.valueAtPercentile($0)) / 1000)
        }
        latency.buckets = histogram.recordedValues().map {
            LoadReport.Latency.Bucket(microseconds: Double($0.value) / 1000, count: $0.count)
        }
        return latency
    }
}

/// Random numbers that are the same in each run: SplitMix64.
struct Source {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 to 1, without 1.
    mutating func unit() -> Double { Double(self.next() >> 11) / Double(1 << 53) }

    mutating func exponential() -> Double { -log(1 - self.unit()) }
}
