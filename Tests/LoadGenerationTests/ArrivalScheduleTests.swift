import Testing

@testable import LoadGeneration

@Suite struct ArrivalScheduleTests {
    static let patterns: [ArrivalPlan.Pattern] = [.constant, .poisson, .burst(7)]

    private static func plan(
        _ rate: Double, _ pattern: ArrivalPlan.Pattern = .constant, rampFrom: Double = 0, rampSeconds: UInt64 = 0
    ) -> ArrivalPlan {
        var plan = ArrivalPlan(rate: rate, pattern: pattern)
        plan.rampFromRate = rampFrom
        plan.rampNanoseconds = rampSeconds * 1_000_000_000
        return plan
    }

    /// The times at which the next requests are due.
    private static func times(_ schedule: ArrivalSchedule, _ count: Int) -> [UInt64] {
        var schedule = schedule
        return (0..<count).map { _ in
            defer { schedule.advance() }
            return schedule.nextNanoseconds
        }
    }

    @Test(arguments: [1, 3, 500, 7_919, 1_000_000, 10_000_000] as [UInt64])
    func constantIsExactWithoutAnEnd(rate: UInt64) {
        var schedule = ArrivalSchedule(Self.plan(Double(rate)), seed: 1)
        for number in 0..<1000 as Range<UInt64> {
            #expect(schedule.nextNanoseconds == number * 1_000_000_000 / rate, "request \(number)")
            schedule.advance()
        }
        // After a day nothing has added up.
        let day = 86_400 * rate
        schedule.advance(before: 86_400_000_000_000)
        #expect(schedule.passedCount == day)
        for number in day..<(day + 100) {
            let exact = number / rate * 1_000_000_000 + number % rate * 1_000_000_000 / rate
            // The fraction of a nanosecond is cut off, which may be that of a rounded product.
            #expect(abs(Int64(schedule.nextNanoseconds) - Int64(exact)) <= 1, "request \(number)")
            schedule.advance()
        }
    }

    @Test func slowRatesAreRates() {
        #expect(Self.times(ArrivalSchedule(Self.plan(0.25), seed: 1), 3) == [0, 4_000_000_000, 8_000_000_000])
    }

    @Test func burstsComeTogether() {
        let times = Self.times(ArrivalSchedule(Self.plan(100, .burst(3)), seed: 1), 7)
        #expect(times == [0, 0, 0, 30_000_000, 30_000_000, 30_000_000, 60_000_000])
    }

    /// By the end of a ramp its average is due; the distances shrink from the first rate's to the last one's.
    @Test func rampChangesTheRateEvenly() {
        var schedule = ArrivalSchedule(Self.plan(1000, rampFrom: 200, rampSeconds: 4), seed: 1)
        schedule.advance(before: 1_000_000_000)
        // 200 a second grow by 200 a second each second: 200 t + 100 t².
        #expect(schedule.passedCount == 300)
        schedule.advance(before: 4_000_000_000)
        #expect(schedule.passedCount == 2400)
        let after = Self.times(schedule, 1001)
        #expect(after[0] == 4_000_000_000)
        #expect(after[1000] == 5_000_000_000)
        let down = Self.times(ArrivalSchedule(Self.plan(10, rampFrom: 1000, rampSeconds: 1), seed: 1), 520)
        #expect(down[505] >= 1_000_000_000 && down[504] < 1_000_000_000)
        #expect(zip(down, down.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func rampFromNothingBegins() {
        let times = Self.times(ArrivalSchedule(Self.plan(100, rampFrom: 0, rampSeconds: 2), seed: 1), 101)
        // 25 t² requests by t.
        #expect(times[0] == 0)
        #expect(times[25] == 1_000_000_000)
        #expect(times[100] == 2_000_000_000)
    }

    @Test(arguments: patterns, [1, 2, 3, 8]) func threadsTogetherKeepTheSchedule(
        pattern: ArrivalPlan.Pattern, threads: Int
    ) {
        for plan in [Self.plan(12_345, pattern), Self.plan(5000, pattern, rampFrom: 100, rampSeconds: 1)] {
            let one = Self.times(ArrivalSchedule(plan, seed: 42), 240)
            let each = (0..<threads).map { thread in
                Self.times(ArrivalSchedule(plan, thread: thread, threadsCount: threads, seed: 42), 240 / threads)
            }
            for number in 0..<(240 / threads * threads) {
                #expect(each[number % threads][number / threads] == one[number], "request \(number)")
            }
        }
    }

    @Test(arguments: patterns) func leapingIsWalking(pattern: ArrivalPlan.Pattern) {
        for plan in [Self.plan(7001, pattern), Self.plan(9000, pattern, rampFrom: 50, rampSeconds: 2)] {
            for thread in 0..<2 {
                let start = ArrivalSchedule(plan, thread: thread, threadsCount: 2, seed: 9)
                for limit in [0, 1, 142_837, 999_999_999, 1_000_000_000, 2_000_000_001, 3_123_456_789] as [UInt64] {
                    var leaping = start
                    leaping.advance(before: limit)
                    var walking = start
                    while walking.nextNanoseconds < limit { walking.advance() }
                    #expect(leaping.nextNanoseconds == walking.nextNanoseconds)
                    #expect(leaping.passedCount == walking.passedCount)
                }
            }
        }
    }

    @Test func poissonIsSeeded() {
        let plan = Self.plan(1000, .poisson)
        let first = Self.times(ArrivalSchedule(plan, seed: 5), 100)
        #expect(first == Self.times(ArrivalSchedule(plan, seed: 5), 100))
        #expect(first != Self.times(ArrivalSchedule(plan, seed: 6), 100))
    }

    /// Distances of a Poisson process have their mean as standard deviation, and counts of equal stretches their mean as
    /// variance; a constant or a bursty process has neither.
    @Test func poissonHasItsMoments() {
        let count = 100_000
        let times = Self.times(ArrivalSchedule(Self.plan(1000, .poisson), seed: 3), count)
        let distances = zip(times, times.dropFirst()).map { Double($1 - $0) / 1e6 }
        let mean = distances.reduce(0, +) / Double(distances.count)
        #expect(abs(mean - 1) < 0.02)
        let variance = distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(distances.count)
        #expect(abs(variance.squareRoot() - 1) < 0.02)
        var counts = [Double](repeating: 0, count: 1000)
        for time in times where time < 100_000_000_000 / 2 { counts[Int(time / 50_000_000)] += 1 }
        let countMean = counts.reduce(0, +) / 1000
        let dispersion = counts.reduce(0) { $0 + ($1 - countMean) * ($1 - countMean) } / 1000 / countMean
        // The standard error of this ratio is sqrt(2 / 1000).
        #expect(abs(dispersion - 1) < 0.25)
    }

    @Test func senselessPlansAreNamed() {
        #expect(Self.plan(500).problem == nil)
        for plan in [
            Self.plan(0), Self.plan(-1), Self.plan(.nan), Self.plan(.infinity), Self.plan(1e9),
            Self.plan(1, .burst(0)), Self.plan(1, rampFrom: -2, rampSeconds: 1), Self.plan(1, rampFrom: .nan),
        ] {
            #expect(plan.problem != nil, "\(plan)")
        }
    }
}
