internal import LoadReport

/// What one loop has seen in one interval; its times are of answers that came in it.
struct IntervalTally: Sendable {
    /// From the first measured request; negative in the warm-up.
    var number = 0
    var startNanoseconds: UInt64 = 0
    var endNanoseconds: UInt64 = 0
    var due: UInt64 = 0
    var sent: UInt64 = 0
    var answers: UInt64 = 0
    var errors: UInt64 = 0
    /// At its end.
    var inFlight = 0
    var lagNanosecondsMax: UInt64 = 0
    var latencies = TimeHistogram()

    /// Adds what another loop has seen in the same interval.
    mutating func add(_ other: IntervalTally) {
        self.startNanoseconds = min(self.startNanoseconds, other.startNanoseconds)
        self.endNanoseconds = max(self.endNanoseconds, other.endNanoseconds)
        self.inFlight += other.inFlight
        self.addCounts(of: other)
    }

    /// Adds the interval that follows.
    mutating func append(_ next: IntervalTally) {
        self.endNanoseconds = next.endNanoseconds
        self.inFlight = next.inFlight
        self.addCounts(of: next)
    }

    private mutating func addCounts(of other: IntervalTally) {
        self.due += other.due
        self.sent += other.sent
        self.answers += other.answers
        self.errors += other.errors
        self.lagNanosecondsMax = max(self.lagNanosecondsMax, other.lagNanosecondsMax)
        self.latencies.add(other.latencies)
    }

    /// In the report's form.
    func interval(measureStartNanoseconds: UInt64) -> LoadReport.Interval {
        var interval = LoadReport.Interval()
        interval.offsetSeconds = Double(Int64(self.startNanoseconds) - Int64(measureStartNanoseconds)) / 1e9
        interval.lengthSeconds = Double(self.endNanoseconds - self.startNanoseconds) / 1e9
        interval.due = self.due
        interval.sent = self.sent
        interval.answers = self.answers
        interval.errors = self.errors
        interval.inFlight = self.inFlight
        let values = self.latencies.nanoseconds(atPercentiles: [50, 99, 99.9])
        interval.p50 = Double(values[0]) / 1000
        interval.p99 = Double(values[1]) / 1000
        interval.p999 = Double(values[2]) / 1000
        interval.max = Double(self.latencies.maxNanoseconds) / 1000
        interval.lagMax = Double(self.lagNanosecondsMax) / 1000
        return interval
    }
}

/// Puts the loops' intervals together: a second each for whoever looks on, and for the report as many seconds each as
/// keep the list within its bound. Joined while their times are still there, so that percentiles stay exact.
struct IntervalSeries {
    private let measureStartNanoseconds: UInt64
    /// Seconds of one interval in the report.
    let stride: Int
    private var joined: IntervalTally? = nil
    private(set) var intervals: [LoadReport.Interval] = []

    init(timeline: Timeline, intervalsMax: Int = LoadReport.intervalsMax) {
        self.measureStartNanoseconds = timeline.measureStartNanoseconds
        let seconds = Int((timeline.closeNanoseconds - timeline.startNanoseconds) / Timeline.intervalNanoseconds) + 2
        var stride = 1
        while seconds / stride >= intervalsMax { stride *= 2 }
        self.stride = stride
    }

    /// Takes the next interval of all loops, in order; returns it in the report's form.
    mutating func append(_ tally: IntervalTally) -> LoadReport.Interval {
        if self.joined == nil { self.joined = tally } else { self.joined?.append(tally) }
        // Warm-up and measured time do not share an interval: zero is a multiple of every stride.
        if (tally.number + 1) % self.stride == 0 { self.finish() }
        return tally.interval(measureStartNanoseconds: self.measureStartNanoseconds)
    }

    /// Takes what is left of an interval that did not become whole.
    mutating func finish() {
        guard let joined = self.joined.take() else { return }
        self.intervals.append(joined.interval(measureStartNanoseconds: self.measureStartNanoseconds))
    }
}

/// The stretches of a run in the monotonic clock's nanoseconds, the same for all its loops.
///
/// ```
///  start ── warm-up ── measureStart ── duration ── loadEnd ── timeout ── close
/// ```
struct Timeline: Sendable {
    static let intervalNanoseconds: UInt64 = 1_000_000_000

    let startNanoseconds: UInt64
    let measureStartNanoseconds: UInt64
    /// Nothing is due from here on.
    let loadEndNanoseconds: UInt64
    /// Nothing is waited for any more.
    let closeNanoseconds: UInt64

    init(_ plan: LoadPlan, startNanoseconds: UInt64) {
        self.startNanoseconds = startNanoseconds
        self.measureStartNanoseconds = startNanoseconds + plan.warmupNanoseconds
        self.loadEndNanoseconds = self.measureStartNanoseconds + plan.durationNanoseconds
        self.closeNanoseconds = self.loadEndNanoseconds + plan.timeoutNanoseconds
    }

    /// The interval that a moment lies in.
    func intervalNumber(at nanoseconds: UInt64) -> Int {
        guard nanoseconds < self.measureStartNanoseconds else {
            return Int((nanoseconds - self.measureStartNanoseconds) / Self.intervalNanoseconds)
        }
        return -1 - Int((self.measureStartNanoseconds - 1 - nanoseconds) / Self.intervalNanoseconds)
    }

    func intervalEndNanoseconds(_ number: Int) -> UInt64 {
        number >= -1
            ? self.measureStartNanoseconds + UInt64(number + 1) * Self.intervalNanoseconds
            : self.measureStartNanoseconds - UInt64(-1 - number) * Self.intervalNanoseconds
    }
}
