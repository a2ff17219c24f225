import Foundation

/// How one measure of the second run relates to that of the first, and how far chance could have moved it.
public struct RatioEstimate: Sendable {
    public enum Direction: Sendable {
        case better
        case worse
        /// Chance or noise could be all of it.
        case untold
    }

    /// Repeats of one command on one machine differ by as much; less is not called a difference.
    public static let noiseRatio = 1.03
    /// Shares of errors differ when they do by as much.
    public static let noiseShare = 0.001
    private static let resamplesCount = 4000

    public let measure: Measure
    /// Typical values of the intervals, in microseconds, answers a second, or a share.
    public let before: Double
    public let after: Double
    /// After over before; of the error shares, after minus before.
    public let change: Double
    /// Where the change lies at 95 %.
    public let range: ClosedRange<Double>
    public let direction: Direction
    /// That the change is not chance, 0 to 1, corrected for how many measures were looked at.
    public let confidence: Double

    /// - Parameters:
    ///   - before: for each run of the first side its samples in their order, one for each interval. With one run a side
    ///     its intervals are resampled; with several, of which each side has two at least, each run counts once.
    ///   - measuresCount: how many measures are looked at, each of which could deceive.
    init(_ measure: Measure, _ before: [[Double]], _ after: [[Double]], amongMeasures measuresCount: Int) {
        let spread =
            before.count == 1 && after.count == 1
            ? Spread(resampling: measure, before[0], after[0]) : Spread(ofRuns: measure, before, after)
        let isRatio = measure != .errors
        self.measure = measure
        self.before = spread.before
        self.after = spread.after
        self.change = isRatio ? exp(spread.centre) : spread.centre
        self.range = isRatio ? exp(spread.low)...exp(spread.high) : spread.low...spread.high
        self.confidence = max(0, 1 - spread.chance * Double(measuresCount))
        let isLarge =
            isRatio ? abs(spread.centre) > log(Self.noiseRatio) : abs(spread.centre) > Self.noiseShare
        if self.confidence >= 0.95, isLarge {
            self.direction = (spread.centre > 0) == measure.isMoreBetter ? .better : .worse
        } else {
            self.direction = .untold
        }
    }

    /// How far a measure has moved, as the logarithm of a ratio, or of error shares as a difference.
    private struct Spread {
        /// Typical values of each side, in the measure's unit.
        let before: Double
        let after: Double
        let centre: Double
        /// Where the centre lies at 95 %.
        let low: Double
        let high: Double
        /// That a centre as far from zero comes about without a change.
        let chance: Double

        init(resampling measure: Measure, _ before: [Double], _ after: [Double]) {
            let scale: ([Double]) -> [Double] = { measure.isGeometric ? $0.map { log(max($0, 1e-9)) } : $0 }
            // Errors are rare or come in one spell, of which blocks would make a matter of one or two draws.
            let length = measure == .errors ? 1 : nil
            let first = BlockBootstrap(scale(before), blockLength: length)
            let second = BlockBootstrap(scale(after), blockLength: length)
            self.before = measure.isGeometric ? exp(first.mean) : first.mean
            self.after = measure.isGeometric ? exp(second.mean) : second.mean
            let change: (Double, Double) -> Double = { before, after in
                switch measure {
                case .p50, .p99: after - before
                case .rate: log(max(after, 1e-9) / max(before, 1e-9))
                case .errors: after - before
                }
            }
            var random = BootstrapRandom()
            let centre = change(first.mean, second.mean)
            let draws = (0..<RatioEstimate.resamplesCount).map { _ in
                change(first.resampledMean(&random), second.resampledMean(&random))
            }.sorted()
            self.centre = centre
            self.low = draws[Int(0.025 * Double(draws.count))]
            self.high = draws[Int(0.975 * Double(draws.count)) - 1]
            // Two-sided, with one resample more than there were: chance is never said to be impossible.
            let beyond = centre > 0 ? draws.prefix { $0 <= 0 }.count : draws.reversed().prefix { $0 >= 0 }.count
            self.chance = min(1, 2 * Double(beyond + 1) / Double(draws.count + 1))
        }

        init(ofRuns measure: Measure, _ before: [[Double]], _ after: [[Double]]) {
            let isRatio = measure != .errors
            let value: ([Double]) -> Double = { samples in
                let scaled = measure.isGeometric ? samples.map { log(max($0, 1e-9)) } : samples
                let mean = scaled.reduce(0, +) / Double(max(scaled.count, 1))
                return measure == .rate ? log(max(mean, 1e-9)) : mean
            }
            let welch = WelchDifference(before.map(value), after.map(value))
            self.before = isRatio ? exp(welch.meanBefore) : welch.meanBefore
            self.after = isRatio ? exp(welch.meanAfter) : welch.meanAfter
            self.centre = welch.difference
            self.low = welch.difference - welch.halfRange
            self.high = welch.difference + welch.halfRange
            self.chance = welch.chance
        }
    }
}

/// The mean of a series of values that depend on their neighbours, and what it could as well have been.
struct BlockBootstrap {
    let mean: Double
    private let values: [Double]
    /// Neighbours that are drawn together: the cube root of the length, at least two.
    private let blockLength: Int
    /// The bootstrap of a short series is too sure of itself by this factor.
    private let widening: Double

    /// - Parameters:
    ///   - values: two at least.
    ///   - blockLength: nil for one that follows from the number of values.
    init(_ values: [Double], blockLength: Int? = nil) {
        self.values = values
        let count = Double(values.count)
        self.mean = values.reduce(0, +) / count
        self.blockLength = blockLength ?? max(2, Int((1.5 * cbrt(count)).rounded(.up)))
        // Student's t of 97.5 % over the normal's 1.96, by its expansion, and the bias of a variance of n.
        let blocks = max(2, count / Double(self.blockLength))
        self.widening = (blocks / (blocks - 1)).squareRoot() * (1 + 1.2 / blocks)
    }

    /// The mean of blocks that are drawn with replacement until they are as long as the series, which is taken as a ring.
    func resampledMean(_ random: inout BootstrapRandom) -> Double {
        let count = self.values.count
        var sum = 0.0
        var drawn = 0
        while drawn < count {
            let start = random.below(count)
            for offset in 0..<min(self.blockLength, count - drawn) { sum += self.values[(start + offset) % count] }
            drawn += self.blockLength
        }
        return self.mean + (sum / Double(count) - self.mean) * self.widening
    }
}

/// SplitMix64 from a fixed seed: one comparison has one answer.
struct BootstrapRandom {
    private var state: UInt64 = 0x0A75_1BE6_C0DE_F00D

    mutating func below(_ bound: Int) -> Int {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)).multipliedFullWidth(by: UInt64(bound)).high)
    }
}
