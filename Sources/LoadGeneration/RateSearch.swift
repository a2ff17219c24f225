/// The search for the highest rate that holds an objective: measured rates go in, the next rate to try comes out.
/// Nothing here knows time, threads or sockets.
///
/// ```
///  saturate ──► bracket: up or down in growing steps until one rate holds and one does not
///                  └──► bisect, by the mean of the logarithms, until they are close
///                          └──► confirm: the same again in small steps and with longer runs, until a rate has held
///                               and the one a step above it has not
/// ```
/// What disturbs a machine makes a run miss that would have held, and hardly ever the other way round. So a rate holds
/// when one run holds it, and is refused only when two have missed it in a row: otherwise where the search ends would be
/// chance. A machine may also be slow for some seconds: before the end, the rate a step above the found one is doubted
/// and has to be missed again. What is reported has held in a longer run than those that led there, and a step above it
/// four of them missed.
public struct RateSearch: Sendable {
    public struct Limits: Sendable {
        /// Requests a second.
        public var rateMin = 10.0
        public var rateMax = 50_000_000.0
        /// Runs that have to miss a rate before it is refused.
        public var missesMin = 2
        /// A bracket whose upper end is at most so many times its lower one is close enough to be confirmed.
        public var bracketRatio = 1.04
        /// The same at the end of the search: what it does not tell apart.
        public var confirmRatio = 1.025
        /// Of the first step of the last phase, as a share of the rate; each further one in its direction doubles it.
        public var confirmStep = 0.02
        /// Runs that have to miss the rate above the found one once more.
        public var doubtsMax = 2
        /// Runs in all; a search that needs more has found no limit.
        public var probesMax = 48

        public init() {}
    }

    public enum Phase: String, Codable, Sendable {
        /// In a closed loop: where to start.
        case saturate
        case bracket
        case bisect
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
    /// Runs in a row that have missed `rate`.
    private var missesCount = 0
    /// True exactly when one of these runs was the server's fault for certain.
    private var hasServerMissed = false
    /// What the phase knows: bracket and bisect share theirs, since their runs are equally long.
    private var bounds = Bounds()
    /// The highest rate that short runs have held; 0 when none has.
    private var bestShort = 0.0
    /// Runs that have missed `bounds.upper` again, since a longer run has held `bounds.lower`.
    private var doubtsCount = 0
    /// Rates that the phase has decided.
    private var decidedCount = 0
    private var probesCount = 0
    private var finding: Finding?

    private struct Bounds {
        /// The highest rate that has held; 0 when none has.
        var lower = 0.0
        /// The lowest rate that was refused; infinite when none was.
        var upper = Double.infinity
        /// True exactly when `upper` is where the generator gave up, not the server.
        var upperIsGenerator = false

        var isClosed: Bool { self.lower > 0 && self.upper.isFinite }
        var ratio: Double { self.upper / self.lower }
        var middle: Double { (self.lower * self.upper).squareRoot() }

        /// A rate above one that was refused may hold, and the other way round: then the later word stands.
        mutating func note(_ rate: Double, _ judgement: Judgement) {
            switch judgement {
            case .held:
                self.lower = max(self.lower, rate)
                if self.upper <= self.lower { self.upper = .infinity }
            case .missed, .unusable:
                guard rate < self.upper else { return }
                self.upper = rate
                self.upperIsGenerator = judgement == .unusable
                if self.lower >= self.upper { self.lower = 0 }
            }
        }
    }

    public init(limits: Limits = Limits()) { self.limits = limits }

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
        if self.isDoubting {
            self.doubt(judgement)
        } else if let decided = self.decide(judgement) {
            self.bounds.note(self.rate, decided)
            if self.phase != .confirm { self.bestShort = self.bounds.lower }
            self.decidedCount += 1
            switch self.phase {
            case .saturate: break
            case .bracket: self.bracket(decided)
            case .bisect: self.bisect()
            case .confirm: self.confirm(decided)
            }
        }
        if self.probesCount >= self.limits.probesMax { self.timeIsUp() }
    }

    /// What all runs with this rate come to; nil while one more is needed.
    private mutating func decide(_ judgement: Judgement) -> Judgement? {
        guard judgement != .held else {
            self.missesCount = 0
            self.hasServerMissed = false
            return .held
        }
        self.missesCount += 1
        if judgement == .missed { self.hasServerMissed = true }
        guard self.missesCount >= self.limits.missesMin else { return nil }
        defer {
            self.missesCount = 0
            self.hasServerMissed = false
        }
        return self.hasServerMissed ? .missed : .unusable
    }

    /// Ends a search that must not go on, with what is known by now.
    public mutating func timeIsUp() {
        guard self.finding == nil else { return }
        if self.phase == .confirm, self.bounds.lower > 0 {
            self.finish(with: self.bounds.lower)
        } else {
            self.finding =
                self.bestShort > 0 ? .unsteady(bestShort: self.bestShort) : .nothingHolds(lowest: self.rate)
        }
    }

    // MARK: Bracket

    private mutating func bracket(_ judgement: Judgement) {
        if self.bounds.isClosed { return self.bisect() }
        if self.bounds.lower == 0 {
            guard self.rate > self.limits.rateMin else {
                self.finding = Self.nothing(judgement, at: self.rate)
                return
            }
            // Each step twice as far as the one before: from a million to ten in seven.
            self.rate = self.bounded(self.rate / Double(1 << min(self.decidedCount, 8)))
        } else {
            guard self.rate < self.limits.rateMax else {
                self.finding = .generatorLimit(holds: self.rate)
                return
            }
            // The start is near the limit: a doubling would only be a very long way to fail.
            self.rate = self.bounded(self.rate * (self.decidedCount < 4 ? 1.3 : 2))
        }
    }

    private static func nothing(_ judgement: Judgement, at rate: Double) -> Finding {
        judgement == .unusable ? .generatorUnable(lowest: rate) : .nothingHolds(lowest: rate)
    }

    // MARK: Bisect

    private mutating func bisect() {
        guard self.bounds.ratio <= self.limits.bracketRatio else {
            self.phase = .bisect
            self.rate = self.bounds.middle
            return
        }
        self.phase = .confirm
        self.rate = self.bounds.lower
        self.bounds = Bounds()
        self.decidedCount = 0
    }

    // MARK: Confirm

    private mutating func confirm(_ judgement: Judgement) {
        if self.bounds.isClosed {
            self.rate = self.isDoubting ? self.bounds.upper : self.bounds.middle
            return
        }
        // A server that holds for a moment and not for longer has its limit anywhere below, and a short run that was
        // disturbed has hidden that it lies above.
        let step = 1 + self.limits.confirmStep * Double(1 << min(self.decidedCount - 1, 8))
        let isUp = self.bounds.lower > 0
        let limit = isUp ? self.limits.rateMax : self.limits.rateMin
        guard self.rate != limit else {
            self.finding = isUp ? .generatorLimit(holds: self.rate) : Self.nothing(judgement, at: self.rate)
            return
        }
        self.rate = self.bounded(isUp ? self.rate * step : self.rate / step)
    }

    /// True exactly while it is left to see whether the rate above the found one is missed again.
    private var isDoubting: Bool {
        self.phase == .confirm && self.bounds.isClosed && self.bounds.ratio <= self.limits.confirmRatio
    }

    private mutating func doubt(_ judgement: Judgement) {
        self.doubtsCount += 1
        guard judgement != .held else {
            self.doubtsCount = 0
            self.bounds.note(self.rate, .held)
            self.decidedCount = 1
            return self.confirm(.held)
        }
        if self.doubtsCount >= self.limits.doubtsMax { self.finish(with: self.bounds.lower) }
    }

    private mutating func finish(with rate: Double) {
        self.finding = self.bounds.upperIsGenerator ? .generatorLimit(holds: rate) : .rate(rate)
    }

    private func bounded(_ rate: Double) -> Double { min(max(rate, self.limits.rateMin), self.limits.rateMax) }
}
