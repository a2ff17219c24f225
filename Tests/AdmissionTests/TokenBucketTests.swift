@testable import Admission
import GatewayTesting
import Testing

@Suite struct TokenBucketTests {
    /// The textbook bucket in exact integers: level in interval-nanoseconds, refilled with time, at most full.
    struct IdealBucket {
        let interval: UInt128
        let capacity: UInt128
        var level: UInt128
        var clock: UInt64 = 0

        init(_ rate: TokenRate) {
            self.interval = UInt128(rate.intervalNanoseconds)
            self.capacity = self.interval * UInt128(rate.burst)
            self.level = self.capacity
        }

        mutating func take(_ now: UInt64) -> Bool {
            self.level = min(self.capacity, self.level + UInt128(now - self.clock))
            self.clock = now
            guard self.level >= self.interval else { return false }
            self.level -= self.interval
            return true
        }
    }

    static let rates: [TokenRate] = [
        TokenRate(tokensPerSecond: 1, burst: 1), TokenRate(tokensPerSecond: 3, burst: 2),
        TokenRate(tokensPerSecond: 1000, burst: 100), TokenRate(tokensPerSecond: 333.3, burst: 7),
        TokenRate(tokensPerSecond: 1_000_000, burst: 50), TokenRate(tokensPerSecond: 0.5, burst: 3),
    ]

    /// A step of random length around the rate's own interval, sometimes none and sometimes long enough to refill.
    private static func step(_ random: inout SeededGenerator, _ rate: TokenRate) -> UInt64 {
        switch random.next() % 200 {
        case 0..<120: 0
        case 120..<199: random.next() % (rate.intervalNanoseconds * 2)
        default: random.next() % (rate.intervalNanoseconds * UInt64(rate.burst) * 2)
        }
    }

    /// Over long random histories each decision is the ideal bucket's.
    @Test(arguments: rates) func everyDecisionIsTheIdealBuckets(_ rate: TokenRate) {
        var random = SeededGenerator.fromEnvironment()
        let bucket = TokenBucket(rate: rate)
        var local = LocalTokenBucket()
        var ideal = IdealBucket(rate)
        var now: UInt64 = 1_000_000_000_000
        var admitted = 0
        for step in 0..<50_000 {
            now += Self.step(&random, rate)
            let expected = ideal.take(now)
            let decision = bucket.take(nowNanoseconds: now)
            guard (decision == .admitted) == expected, local.take(rate, nowNanoseconds: now) == decision else {
                Issue.record("decision \(step) differs at \(rate); \(random.replay)")
                return
            }
            if expected { admitted += 1 }
        }
        #expect(admitted > 100 && admitted < 50_000, "both answers were given; \(random.replay)")
    }

    /// Admitted in any window <= burst + rate * window, whatever the arrivals.
    @Test(arguments: rates) func noWindowExceedsTheRate(_ rate: TokenRate) {
        var random = SeededGenerator.fromEnvironment()
        let bucket = TokenBucket(rate: rate)
        var now: UInt64 = 5_000_000_000
        var times: [UInt64] = []
        while times.count < 600 {
            now += Self.step(&random, rate)
            if bucket.take(nowNanoseconds: now) == .admitted { times.append(now) }
        }
        for first in times.indices {
            for last in first..<times.count {
                let seconds = Double(times[last] - times[first]) / 1e9
                let bound = Double(rate.burst) + rate.tokensPerSecond * seconds + 1e-6
                guard Double(last - first + 1) <= bound else {
                    Issue.record("\(last - first + 1) in \(seconds) s at \(rate); \(random.replay)")
                    return
                }
            }
        }
    }

    /// Coming back after exactly the time that a refusal names succeeds, and a nanosecond earlier fails.
    @Test(arguments: rates) func theRetryTimeIsTrue(_ rate: TokenRate) {
        let now: UInt64 = 7_000_000_000
        let early = TokenBucket(rate: rate)
        let onTime = TokenBucket(rate: rate)
        for _ in 0..<rate.burst {
            #expect(early.take(nowNanoseconds: now) == .admitted)
            #expect(onTime.take(nowNanoseconds: now) == .admitted)
        }
        guard case .refused(let retry) = early.take(nowNanoseconds: now) else {
            Issue.record("more than the burst at once")
            return
        }
        #expect(retry > 0)
        #expect(early.take(nowNanoseconds: now + retry - 1) == .refused(retryAfterNanoseconds: 1))
        #expect(onTime.take(nowNanoseconds: now + retry) == .admitted)
    }

    @Test func aRefundGivesOneTokenBack() {
        let bucket = TokenBucket(rate: TokenRate(tokensPerSecond: 1, burst: 2))
        let now: UInt64 = 9_000_000_000
        #expect(bucket.take(nowNanoseconds: now) == .admitted)
        #expect(bucket.take(nowNanoseconds: now) == .admitted)
        #expect(bucket.take(nowNanoseconds: now) != .admitted)
        bucket.refund()
        #expect(bucket.take(nowNanoseconds: now) == .admitted)
        #expect(bucket.take(nowNanoseconds: now) != .admitted)
    }

    /// Extreme settings keep the arithmetic in range.
    @Test func extremesDoNotOverflow() {
        let slow = TokenRate(tokensPerSecond: 1e-9, burst: 1_000_000_000)
        let bucket = TokenBucket(rate: slow)
        for _ in 0..<1000 { _ = bucket.take(nowNanoseconds: UInt64.max / 4) }
        let fast = TokenBucket(rate: TokenRate(tokensPerSecond: 1e9, burst: 1_000_000_000))
        #expect(fast.take(nowNanoseconds: 0) == .admitted)
        #expect(fast.take(nowNanoseconds: UInt64.max / 2) == .admitted)
    }

    /// Two threads on one bucket at one instant get exactly the burst.
    @Test func theBurstIsExactAcrossThreads() async {
        let bucket = TokenBucket(rate: TokenRate(tokensPerSecond: 0.001, burst: 5000))
        let admitted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    (0..<20_000).count { _ in bucket.take(nowNanoseconds: 1_000_000_000_000) == .admitted }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 5000)
    }
}
