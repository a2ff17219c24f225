import Foundation

/// The difference of the means of two small samples whose spreads may differ (Welch), with what Student's t allows.
struct WelchDifference {
    let meanBefore: Double
    let meanAfter: Double
    /// The mean after minus the one before.
    let difference: Double
    /// The difference lies so far to either side at 95 %.
    let halfRange: Double
    /// That a difference as large comes about between samples of one and the same mean, 0 to 1.
    let chance: Double

    /// - Parameters:
    ///   - before: two values at least, as in `after`.
    init(_ before: [Double], _ after: [Double]) {
        let (meanBefore, shareBefore) = Self.meanAndError(before)
        let (meanAfter, shareAfter) = Self.meanAndError(after)
        self.meanBefore = meanBefore
        self.meanAfter = meanAfter
        self.difference = meanAfter - meanBefore
        let squared = shareBefore + shareAfter
        guard squared > 0 else {
            // Values without any spread: the same, or apart for certain.
            self.halfRange = 0
            self.chance = self.difference == 0 ? 1 : 0
            return
        }
        let freedom =
            squared * squared
            / (shareBefore * shareBefore / Double(before.count - 1) + shareAfter * shareAfter / Double(after.count - 1))
        let student = StudentDistribution(degreesOfFreedom: freedom)
        self.halfRange = student.quantile(twoSided: 0.05) * squared.squareRoot()
        self.chance = student.chance(beyond: abs(self.difference) / squared.squareRoot())
    }

    /// The mean and the square of its standard error.
    private static func meanAndError(_ values: [Double]) -> (mean: Double, squaredError: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        return (mean, variance / count)
    }
}

/// Student's t.
struct StudentDistribution {
    /// At least 1; need not be whole.
    let degreesOfFreedom: Double

    /// That a value is farther from zero than `t`, to either side.
    func chance(beyond t: Double) -> Double {
        // With t = sqrt(freedom) * tan(angle) the density is a power of a cosine on a finite range, which Simpson's rule
        // integrates to far more digits than anybody reads.
        let freedom = self.degreesOfFreedom
        let scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / Double.pi.squareRoot()
        let end = atan(t / freedom.squareRoot())
        let steps = 400
        let width = end / Double(steps)
        var sum = 0.0
        for step in 0...steps {
            let weight = step == 0 || step == steps ? 1.0 : step % 2 == 1 ? 4 : 2
            sum += weight * pow(cos(Double(step) * width), freedom - 1)
        }
        return min(max(1 - 2 * scale * sum * width / 3, 0), 1)
    }

    /// What a value is farther from zero than with a chance of `chance`, to either side.
    func quantile(twoSided chance: Double) -> Double {
        var (low, high) = (0.0, 1e6)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if self.chance(beyond: middle) > chance { low = middle } else { high = middle }
        }
        return high
    }
}
