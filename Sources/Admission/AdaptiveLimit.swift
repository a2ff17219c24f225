/// How many requests a backend is given at once, from how long it takes: where they take longer than alone, they queue in
/// the backend, and had better wait in the gateway, where they can be ordered, dropped and counted.
///
/// The gradient is the latency without load (the baseline) over the latency now. Where that has fallen below 1/1.5, the
/// limit goes to what Little's law says is in service and not in the queue, with half as much again and a square root of
/// headroom for bursts; else it grows while it is used. While it is not used it is twice the recent peak, so that a sudden
/// tenfold load finds no thousand places to queue in.
///
/// The baseline cannot be measured under load, and a backend may have become slower for good. So, once a second while
/// the limit binds for longer than a burst, the limit is halved until the latency of a few dozen requests at that depth is
/// known: if they were faster, they had been queueing; if not, that is what the backend takes now. Nothing is refused for
/// it: requests wait a moment longer in front of a backend that is still busy. While dips find the baseline wrong by a tenth they come five
/// times as often, so that a backend that became slower for good is followed within 2 s of binding (or 100 of its
/// latencies, where that is longer); one that became faster within a few windows. While the limit does not bind, the
/// baseline rises toward the latency by 1/e in 10 s.
///
/// A pure value, for one thread.
public struct AdaptiveLimit: Sendable {
    /// What was seen since the window before. 10 ms are a good length.
    public struct Window: Equatable, Sendable {
        /// Answers.
        public var count: Int
        /// The sum of their latencies, from being given to the backend.
        public var latencySumNanoseconds: UInt64
        /// The most that the backend had at once.
        public var inflightMost: Int
        /// Its end, on the monotonic clock.
        public var nowNanoseconds: UInt64

        public init(count: Int, latencySumNanoseconds: UInt64, inflightMost: Int, nowNanoseconds: UInt64) {
            self.count = count
            self.latencySumNanoseconds = latencySumNanoseconds
            self.inflightMost = inflightMost
            self.nowNanoseconds = nowNanoseconds
        }
    }

    /// What to give the backend at most, `limitMin` to `limitMax`.
    public private(set) var limit: Int
    public private(set) var limitMin: Int
    public private(set) var limitMax: Int
    /// The latency without load, as far as it is known; 0 until the first answers.
    public private(set) var baselineNanoseconds = 0.0
    /// The limit but for a dip.
    private var steadyLimit: Double
    /// Most in flight, forgotten by 1/e in 10 s.
    private var recentPeak = 0.0
    /// What has been taken and is too little to judge by.
    private var batch = Batch()
    private var batchBeganNanoseconds: UInt64?
    private var dip = Dip.none(dueNanoseconds: 0)
    /// Since when every batch has been held back; nil when the last one was not.
    private var bindingSinceNanoseconds: UInt64?
    /// The latency for which the last dip was begun.
    private var latencyBeforeDip = 0.0
    /// Whether the last dip was faster than the baseline was then.
    private var lastDipWasFaster = false

    /// Enough to measure by.
    public static let limitMinUsual = 4
    /// Latency over baseline that is not yet queueing: half as much again covers what a busy backend does at 90 %.
    private static let tolerance = 1.5
    /// Answers to judge by: their mean is within a fifth even where latencies are spread exponentially.
    private static let batchCountMin = 24
    /// Answers of a dip: their mean stays for a second, so that it has to be within a seventh.
    private static let dipCountMin = 48
    private static let batchNanosecondsMax: UInt64 = 200_000_000
    private static let forgettingNanoseconds = 10e9
    /// How long the limit has to bind before a dip: bursts at 90 % are over by then, and a backend that is nearly busy is not
    /// to be starved for them.
    private static let bindingNanosecondsMin: UInt64 = 200_000_000
    private static let dipPeriodNanoseconds: UInt64 = 1_000_000_000

    private struct Batch {
        var count = 0
        var latencySum = 0.0
        var inflightMost = 0

        var latencyMean: Double { self.latencySum / Double(self.count) }

        mutating func add(_ window: Window) {
            self.count += window.count
            self.latencySum += Double(window.latencySumNanoseconds)
            self.inflightMost = max(self.inflightMost, window.inflightMost)
        }
    }

    private enum Dip {
        case none(dueNanoseconds: UInt64)
        /// Until no more are in flight than the dip allows.
        case draining(endNanoseconds: UInt64)
        /// Until what was given before that is answered.
        case settling(untilNanoseconds: UInt64, endNanoseconds: UInt64)
        case sampling(Batch, endNanoseconds: UInt64)
    }

    /// - Parameters:
    ///   - limitMin: 1 to `limitMax`.
    ///   - limitMax: the configured limit, where it begins.
    public init(limitMin: Int = AdaptiveLimit.limitMinUsual, limitMax: Int) {
        precondition(limitMin > 0 && limitMax > 0)
        self.limitMin = min(limitMin, limitMax)
        self.limitMax = limitMax
        self.limit = limitMax
        self.steadyLimit = Double(limitMax)
    }

    /// Takes new bounds, and keeps what was learned.
    public mutating func configure(limitMin: Int = AdaptiveLimit.limitMinUsual, limitMax: Int) {
        precondition(limitMin > 0 && limitMax > 0)
        self.limitMin = min(limitMin, limitMax)
        self.limitMax = limitMax
        self.publish()
    }

    /// Takes a window.
    ///
    /// - Returns: the limit.
    public mutating func take(_ window: Window) -> Int {
        let now = window.nowNanoseconds
        guard let began = self.batchBeganNanoseconds, now >= began else {
            self.batchBeganNanoseconds = now
            return self.limit
        }
        if self.isDipping {
            self.advanceDip(window)
            self.publish()
            // What a dip does is no reason to change the limit.
            (self.batch, self.batchBeganNanoseconds) = (Batch(), now)
            return self.limit
        }
        self.batch.add(window)
        let elapsed = now - began
        guard self.batch.count >= Self.batchCountMin || elapsed >= Self.batchNanosecondsMax else { return self.limit }
        if self.batch.count > 0 && elapsed > 0 { self.judge(Double(elapsed), now) }
        (self.batch, self.batchBeganNanoseconds) = (Batch(), now)
        self.publish()
        return self.limit
    }

    private var isDipping: Bool {
        switch self.dip {
        case .none: false
        case .draining, .settling, .sampling: true
        }
    }

    private mutating func publish() {
        self.steadyLimit = min(max(self.steadyLimit, Double(self.limitMin)), Double(self.limitMax))
        self.limit = max(self.limitMin, Int(self.isDipping ? self.steadyLimit / 2 : self.steadyLimit))
    }

    private mutating func judge(_ elapsed: Double, _ now: UInt64) {
        let latency = self.batch.latencyMean
        let isBinding = self.batch.inflightMost >= self.limit
        self.learnBaseline(latency, isBinding: isBinding, elapsed)
        let forgotten = min(1, elapsed / Self.forgettingNanoseconds)
        self.recentPeak = max(Double(self.batch.inflightMost), self.recentPeak * (1 - forgotten))
        let headroom = self.steadyLimit.squareRoot()
        if latency > Self.tolerance * self.baselineNanoseconds {
            let inService = self.batch.latencySum / elapsed * self.baselineNanoseconds / latency
            let wanted = Self.tolerance * inService + headroom
            if wanted < self.steadyLimit { self.steadyLimit += (wanted - self.steadyLimit) / 2 }
        } else if 2 * self.batch.inflightMost >= self.limit {
            self.steadyLimit += headroom
        } else {
            let idleLimit = max(2 * self.recentPeak + headroom, Double(self.limitMax) / 16)
            if idleLimit < self.steadyLimit { self.steadyLimit += (idleLimit - self.steadyLimit) / 4 }
        }
        let bindingSince = isBinding ? self.bindingSinceNanoseconds ?? now : nil
        self.bindingSinceNanoseconds = bindingSince
        if let bindingSince, now - bindingSince >= Self.bindingNanosecondsMin, case .none(let due) = self.dip,
            now >= due
        {
            self.dip = .draining(endNanoseconds: now + self.dipEnd(latency))
            self.latencyBeforeDip = latency
        }
    }

    private mutating func learnBaseline(_ latency: Double, isBinding: Bool, _ elapsed: Double) {
        if self.baselineNanoseconds == 0 {
            self.baselineNanoseconds = latency
        } else if latency < self.baselineNanoseconds {
            self.baselineNanoseconds += (latency - self.baselineNanoseconds) / 8
        } else if !isBinding {
            // A binding limit means load: what is longer then says nothing of the time without it.
            self.baselineNanoseconds +=
                (latency - self.baselineNanoseconds) * min(1, elapsed / Self.forgettingNanoseconds)
        }
    }

    /// How long a dip may take until it is given up: the queue has to drain, and the samples to be answered.
    private func dipEnd(_ latency: Double) -> UInt64 { 200_000_000 + UInt64(20 * latency) }

    private mutating func advanceDip(_ window: Window) {
        let now = window.nowNanoseconds
        switch self.dip {
        case .none: return
        case .draining(let end):
            if window.inflightMost <= self.limit {
                let latency = window.count > 0 ? window.latencySumNanoseconds / UInt64(window.count) : 0
                self.dip = .settling(untilNanoseconds: now + latency, endNanoseconds: end)
            } else if now >= end {
                self.endDip(now)
            }
        case .settling(let until, let end):
            if now >= until { self.dip = .sampling(Batch(), endNanoseconds: end) }
        case .sampling(var sample, let end):
            sample.add(window)
            guard sample.count < Self.dipCountMin && now < end else {
                self.endDip(now, found: sample)
                return
            }
            self.dip = .sampling(sample, endNanoseconds: end)
        }
    }

    private mutating func endDip(_ now: UInt64, found sample: Batch = Batch()) {
        var period = Self.dipPeriodNanoseconds
        if sample.count > 0 {
            let error = self.baselineFound(sample.latencyMean) - self.baselineNanoseconds
            if error.magnitude > 0.1 * self.baselineNanoseconds { period /= 5 }
            // Fewer in flight can be slower by chance, and faster only by queueing less.
            let weight = min(1, Double(sample.count) / Double(Self.dipCountMin))
            self.baselineNanoseconds += error * weight * (error < 0 ? 1 : 0.7)
        }
        self.dip = .none(dueNanoseconds: now + period + UInt64(20 * self.baselineNanoseconds))
    }

    /// What a dip says of the latency without load. Where half the depth took half the time there was still a queue; and
    /// where two dips in a row were also faster than the baseline, that had been learned in a queue, as at a start under
    /// load. Then the dip's depth becomes the limit, so that the next dip looks deeper. To dip deeper at once, or for a
    /// single dip after a burst, would starve the backend.
    private mutating func baselineFound(_ latency: Double) -> Double {
        let isFaster = latency < 0.9 * self.baselineNanoseconds
        let wasFaster = self.lastDipWasFaster
        self.lastDipWasFaster = isFaster
        let wasQueueing = isFaster && wasFaster && latency < 0.6 * self.latencyBeforeDip
        return wasQueueing ? latency / Self.tolerance : latency
    }
}
