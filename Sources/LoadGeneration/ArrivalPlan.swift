/// When the requests of an open loop are due.
public struct ArrivalPlan: Equatable, Sendable {
    /// How the requests of a rate lie in time.
    public enum Pattern: Equatable, Sendable {
        /// At equal distances.
        case constant
        /// Each independent of all others, as those of many people are.
        case poisson
        /// So many at once, each after the time that they take on average.
        case burst(Int)
    }

    /// What the schedule can be computed for without the generator doing little else.
    public static let rateMax = 10_000_000.0
    public static let burstMax = 1_000_000

    public var pattern = Pattern.constant
    /// Requests a second, after the ramp.
    public var rate = 500.0
    /// Requests a second at the start of the ramp, which begins with the run (and so with its warm-up).
    public var rampFromRate = 0.0
    /// How long the rate takes to change evenly from `rampFromRate` to `rate`; 0: there is no ramp.
    public var rampNanoseconds: UInt64 = 0

    public init() {}

    public init(rate: Double, pattern: Pattern = .constant) {
        self.rate = rate
        self.pattern = pattern
    }

    /// `constant`, `poisson` or `burst`.
    public var patternName: String {
        switch self.pattern {
        case .constant: "constant"
        case .poisson: "poisson"
        case .burst: "burst"
        }
    }

    /// What makes no sense about it; nil when nothing does.
    var problem: String? {
        guard self.rate > 0, self.rate <= Self.rateMax else {
            return "a rate of \(self.rate): it is above 0 and at most \(Self.rateMax) requests a second"
        }
        guard self.rampFromRate >= 0, self.rampFromRate <= Self.rateMax else {
            return "a ramp from \(self.rampFromRate): it starts at 0 to \(Self.rateMax) requests a second"
        }
        if case .burst(let count) = self.pattern, !(1...Self.burstMax).contains(count) {
            return "a burst of \(count): it is 1 to \(Self.burstMax) requests"
        }
        return nil
    }
}
