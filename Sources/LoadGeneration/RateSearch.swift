/// The search for the highest rate that holds an objective: measured rates go in, the next rate to try comes out.
/// Nothing here knows time, threads or sockets.
///
/// ```
///  saturate ──► bracket: up or down in doublings until one rate holds and one does not
///                  └──► bisect, by the mean of the logarithms, until they are close
///                          └──► staircase: a step down after a miss, a step up after a hold
///                                  └──► confirm over a longer time, and a step down each time that misses
/// ```
/// Single short runs near the limit hold or miss by chance, so that where a bisection ends is chance too. A staircase
/// hovers around the rate that holds every second time, and the mean of where it turns is steadier than any of its
/// runs. What is reported then has held over a longer time than all of them.
public struct RateSearch: Sendable {
    public struct Limits: Sendable {
        /// Requests a second.
        public var rateMin = 10.0
        public var rateMax = 50_000_000.0
        /// A bracket whose upper end is at most so many times its lower one is walked no further by halves.
        public var bracketRatio = 1.08
        public var staircaseProbesCount = 6
        public var staircaseStep = 0.04
        /// Of the first miss; each further one doubles it.
        public var confirmStep = 0.02
        /// Runs of the last phase that may miss.
        public var confirmProbesMax = 6
        /// Runs in all; a search that needs more has found no limit.
        public var probesMax = 24

        public init() {}
    }

    public enum Phase: String, Codable, Sendable {
        /// In a closed loop: where to start.
        case saturate
        case bracket
        case bisect
        case staircase
        case confirm
    }

    public enum Step: Equatable, Sendable {
        /// Measure a closed loop and tell its rate with `saturated`.
        case saturate
        /// Measure this rate, requests a second, and tell with `record` what came of it.
        case probe(rate: Double, phase: Phase)
        case finished(Finding)
    }

    public enum Judgement: String, Codable, Sendable {
        case held
        case missed
        /// The generator was not able to offer the rate, so that nothing is known of the server at it.
        case unusable
    }

    public enum Finding: Equatable, Sendable {
        /// The highest rate that has held in the last phase.
        case rate(Double)
        /// This rate held, and the generator offers no higher one.
        case generatorLimit(holds: Double)
        /// Not even the lowest rate held.
        case nothingHolds(lowest: Double)
        /// Runs near the limit contradict each other: what holds for a moment does not hold for longer.
        case unsteady(bestShort: Double)
        /// Not even the lowest rate that was tried could be offered.
        case generatorUnable(lowest: Double)
    }

    private let limits: Limits
    private var phase = Phase.saturate
    private var rate = 0.0
    /// The highest rate that has held in the phases of the bracket; 0 when none has.
    private var lower = 0.0
    /// The lowest rate that has not; infinite when all have.
    private var upper = Double.infinity
    /// True exactly when `upper` is where the generator gave up, not the server.
    private var upperIsGenerator = false
    private var probesCount = 0
    /// Rates of the staircase at which it turned, and the last judgement in it.
    private var turns: [Double] = []
    private var lastHeld: Bool?
    /// Of the staircase's next step, as a share of the rate.
    private var stride: Double
    private var staircaseCount = 0
    private var confirmCount = 0
    private var finding: Finding?

    public init(limits: Limits = Limits()) {
        self.limits = limits
        self.stride = limits.staircaseStep
    }

    /// What to do next; the same until something is told.
    public var step: Step {
        if let finding = self.finding { return .finished(finding) }
        return self.phase == .saturate ? .saturate : .probe(rate: self.rate, phase: self.phase)
    }

    /// The rate at which a closed loop has ended up. The search starts a little below: a server that is saturated has
    /// no latency to speak of left.
    public mutating func saturated(_ rate: Double) {
        guard self.phase == .saturate else { return }
        self.phase = .bracket
        self.rate = self.bounded(rate * 0.8)
    }

    /// What came of the rate that `step` has named.
    public mutating func record(_ judgement: Judgement) {
        guard self.finding == nil, self.phase != .saturate else { return }
        self.probesCount += 1
        switch self.phase {
        case .saturate: break
        case .bracket: self.bracket(judgement)
        case .bisect: self.narrow(judgement)
        case .staircase: self.walk(judgement)
        case .confirm: self.confirm(judgement)
        }
        if self.finding == nil, self.probesCount >= self.limits.probesMax {
            self.finding = .unsteady(bestShort: self.lower)
        }
    }

    /// Ends a search that must not go on, with what is known by now.
    public mutating func timeIsUp() {
        guard self.finding == nil else { return }
        self.finding = self.lower > 0 ? .unsteady(bestShort: self.lower) : .nothingHolds(lowest: self.rate)
    }

    // MARK: Bracket

    private mutating func bracket(_ judgement: Judgement) {
        self.note(judgement)
        if self.lower > 0, self.upper.isFinite { return self.bisect() }
        if self.lower == 0 {
            guard self.rate > self.limits.rateMin else {
                self.finding =
                    judgement == .unusable
                    ? .generatorUnable(lowest: self.rate) : .nothingHolds(lowest: self.rate)
                return
            }
            self.rate = self.bounded(self.rate / 2)
        } else {
            guard self.rate < self.limits.rateMax else {
                self.finding = .generatorLimit(holds: self.rate)
                return
            }
            // The start is near the limit: a doubling would only be a very long way to fail.
            self.rate = self.bounded(self.rate * (self.probesCount == 1 ? 1.3 : 2))
        }
    }

    private mutating func note(_ judgement: Judgement) {
        switch judgement {
        case .held:
            self.lower = max(self.lower, self.rate)
        case .missed, .unusable:
            guard self.rate < self.upper else { return }
            self.upper = self.rate
            self.upperIsGenerator = judgement == .unusable
        }
    }

    // MARK: Bisect

    private mutating func narrow(_ judgement: Judgement) {
        self.note(judgement)
        self.bisect()
    }

    private mutating func bisect() {
        guard self.upper / self.lower <= self.limits.bracketRatio else {
            self.phase = .bisect
            self.rate = (self.lower * self.upper).squareRoot()
            return
        }
        // Between the two there is no server's limit to walk around.
        if self.upperIsGenerator {
            self.phase = .confirm
            self.rate = self.lower
            return
        }
        self.phase = .staircase
        self.rate = (self.lower * self.upper).squareRoot()
    }

    // MARK: Staircase

    private mutating func walk(_ judgement: Judgement) {
        let held = judgement == .held
        self.staircaseCount += 1
        if let lastHeld = self.lastHeld {
            if lastHeld != held {
                self.turns.append(self.rate)
                self.stride = self.limits.staircaseStep
            } else if self.turns.isEmpty {
                // A run of the bracket has misled the search: the limit is farther away than it said.
                self.stride *= 2
            }
        }
        self.lastHeld = held
        if self.staircaseCount >= self.limits.staircaseProbesCount, self.turns.count >= 2 {
            self.phase = .confirm
            let center = self.turns.reduce(0, +) / Double(self.turns.count)
            self.rate = self.bounded(center / (1 + self.limits.confirmStep))
        } else {
            self.rate = self.bounded(held ? self.rate * (1 + self.stride) : self.rate / (1 + self.stride))
        }
    }

    // MARK: Confirm

    private mutating func confirm(_ judgement: Judgement) {
        switch judgement {
        case .held:
            self.finding = self.upperIsGenerator ? .generatorLimit(holds: self.rate) : .rate(self.rate)
        case .missed, .unusable:
            self.confirmCount += 1
            guard self.confirmCount < self.limits.confirmProbesMax else {
                self.finding =
                    judgement == .unusable ? .generatorUnable(lowest: self.rate) : .unsteady(bestShort: self.lower)
                return
            }
            // Each one further than the last: a server that holds for a moment and not for longer has its limit
            // anywhere below.
            let step = self.limits.confirmStep * Double(1 << (self.confirmCount - 1))
            self.rate = self.bounded(self.rate / (1 + step))
        }
    }

    private func bounded(_ rate: Double) -> Double { min(max(rate, self.limits.rateMin), self.limits.rateMax) }
}
