@testable import Admission
import GatewayTesting
import Testing

@Suite struct TokenBucketTests {
    /// The textbook bucket in exact integers of 2^-32 ticks: a level that is refilled with time, at most full.
    struct IdealBucket {
        private var interval: UInt128
        private var capacity: UInt128
        private var level: UInt128
        private var clock: UInt64 = 0

        init(_ rate: TokenRate) {
            self.interval = UInt128(rate.intervalFixed) << (32 - UInt128(rate.fractionBits))
            self.capacity = UInt128(rate.capacityTicks) << 32
            self.level = self.capacity
        }

        /// What `tokens` cost, in whole ticks.
        private func cost(_ tokens: Int) -> UInt128 {
            let exact = self.interval * UInt128(tokens)
            return ((exact + (1 << 32 - 1)) >> 32) << 32
        }

        private mutating func refill(_ now: UInt64) {
            self.level = min(self.capacity, self.level + (UInt128(now - self.clock) * 64) << 32)
            self.clock = now
        }

        mutating func take(_ tokens: Int, _ now: UInt64) -> Bool {
            self.refill(now)
            guard self.level >= self.cost(tokens) else { return false }
            self.level -= self.cost(tokens)
            return true
        }

        /// The debt stays, in tokens: within a tick and 2^-20 tokens to the strict side, which the bucket under test decides.
        mutating func change(to rate: TokenRate, _ now: UInt64) -> ClosedRange<UInt128> {
            self.refill(now)
            let debt = self.capacity - self.level
            let old = self.interval
            self = IdealBucket(rate)
            self.clock = now
            let exact = debt / 65_536 * self.interval / old * 65_536
            let slack = self.interval >> 19 + 2 << 32
            return min(self.capacity, exact - min(exact, slack))...min(self.capacity, exact + slack)
        }

        mutating func owe(ticks: UInt64) { self.level = self.capacity - UInt128(ticks) << 32 }
    }

    static let rates: [TokenRate] = [
        TokenRate(tokensPerSecond: 1, burst: 1), TokenRate(tokensPerSecond: 3, burst: 2),
        TokenRate(tokensPerSecond: 1000, burst: 100), TokenRate(tokensPerSecond: 333.25, burst: 7),
        TokenRate(tokensPerSecond: 1_000_000, burst: 50), TokenRate(tokensPerSecond: 0.5, burst: 3),
        TokenRate(tokensPerSecond: 10_000_000, burst: 1000), TokenRate(tokensPerSecond: 3e9, burst: 4_000_000),
        TokenRate(tokensPerSecond: 1e10, burst: 1_000_000),
    ]

    /// A step of random length around what the last request cost, sometimes none and sometimes long enough to refill.
    static func step(_ random: inout SeededGenerator, _ rate: TokenRate, _ tokens: Int) -> UInt64 {
        let cost = max(1, GCRA.nanoseconds(rate.costTicks(tokens)))
        switch random.next() % 200 {
        case 0..<120: return 0
        case 120..<199: return random.next() % (cost * 4)
        default: return random.next() % (GCRA.nanoseconds(rate.capacityTicks) * 2)
        }
    }

    /// One token mostly, else up to the burst and mostly far below.
    static func cost(_ random: inout SeededGenerator, _ rate: TokenRate) -> Int {
        guard random.oneIn(2) else { return 1 }
        let bound = random.oneIn(20) ? rate.burst : max(1, rate.burst / 10)
        return Int(random.next() % UInt64(bound)) + 1
    }

    /// Over long random histories of costs and changes of the rate, each decision is the ideal bucket's.
    @Test(arguments: rates.indices) func everyDecisionIsTheIdealBuckets(_ first: Int) {
        var random = SeededGenerator.fromEnvironment()
        var rate = Self.rates[first]
        var bucket = LocalTokenBucket()
        var ideal = IdealBucket(rate)
        var now: UInt64 = 1_000_000_000_000
        var admitted = 0
        for step in 0..<20_000 {
            let tokens = Self.cost(&random, rate)
            now += Self.step(&random, rate, tokens)
            if random.oneIn(500) {
                let next = Self.rates[Int(random.next() % UInt64(Self.rates.count))]
                bucket.rescale(from: rate, to: next, nowNanoseconds: now)
                let debts = ideal.change(to: next, now)
                let debt = bucket.debtTicks(nowNanoseconds: now)
                guard debts.contains(UInt128(debt) << 32) else {
                    Issue.record("from \(rate) to \(next) leaves \(debt) ticks, not \(debts); \(random.replay)")
                    return
                }
                ideal.owe(ticks: debt)
                rate = next
                continue
            }
            let expected = ideal.take(tokens, now)
            let decision = bucket.take(rate, tokens: tokens, nowNanoseconds: now)
            guard (decision == .admitted) == expected else {
                Issue.record("decision \(step) differs at \(rate), \(tokens) tokens; \(random.replay)")
                return
            }
            if expected { admitted += 1 }
        }
        #expect(admitted > 100 && admitted < 20_000, "both answers were given; \(random.replay)")
    }

    /// The bucket that threads share decides as the one of a single thread.
    @Test(arguments: rates) func bothBucketsAgree(_ rate: TokenRate) {
        var random = SeededGenerator.fromEnvironment()
        let shared = TokenBucket(rate: rate)
        var local = LocalTokenBucket()
        var now: UInt64 = 1_000_000_000_000
        for step in 0..<5_000 {
            let tokens = Self.cost(&random, rate)
            now += Self.step(&random, rate, tokens)
            let decision = shared.take(tokens: tokens, nowNanoseconds: now)
            guard decision == local.take(rate, tokens: tokens, nowNanoseconds: now) else {
                Issue.record("decision \(step) differs at \(rate); \(random.replay)")
                return
            }
        }
    }

    /// Admitted in every window <= burst + rate * window by the configured rate, not by its rounded form; and what a client
    /// that always asks gets is within 0.1 % of it.
    @Test(arguments: rates) func noWindowExceedsTheRate(_ rate: TokenRate) {
        var random = SeededGenerator.fromEnvironment()
        let bucket = TokenBucket(rate: rate)
        var windows = WindowBound(rate)
        let start: UInt64 = 5_000_000_000
        var now = start
        for _ in 0..<20_000 {
            let tokens = Self.cost(&random, rate)
            now += Self.step(&random, rate, tokens)
            guard bucket.take(tokens: tokens, nowNanoseconds: now) == .admitted else { continue }
            guard windows.admit(tokens, at: now) else {
                Issue.record("more than the rate at \(rate); \(random.replay)")
                return
            }
        }
        // Asks 64 tokens at a time (or the burst) always when they are there.
        let tokens = min(64, rate.burst)
        let begin = now
        var granted = 0
        for _ in 0..<20_000 {
            switch bucket.take(tokens: tokens, nowNanoseconds: now) {
            case .admitted: granted += tokens
            case .refused(let retry): now += retry
            }
        }
        let ideal = Double(now - begin) / 1e9 * rate.tokensPerSecond
        // Times are whole nanoseconds: what is late is lost by the client that comes late only while it owes the whole burst.
        #expect(Double(granted + tokens) >= ideal * 0.999, "\(rate): \(granted) of \(ideal)")
    }

    /// Coming back after exactly the time that a refusal names succeeds, and a nanosecond earlier fails, whatever it costs.
    @Test(arguments: rates, [1, 3, 100]) func theRetryTimeIsTrue(_ rate: TokenRate, _ cost: Int) {
        let tokens = min(cost, rate.burst)
        let now: UInt64 = 7_000_000_000
        let early = TokenBucket(rate: rate)
        let onTime = TokenBucket(rate: rate)
        #expect(early.take(tokens: rate.burst, nowNanoseconds: now) == .admitted)
        #expect(onTime.take(tokens: rate.burst, nowNanoseconds: now) == .admitted)
        guard case .refused(let retry) = early.take(tokens: tokens, nowNanoseconds: now) else {
            Issue.record("more than the burst at once")
            return
        }
        #expect(retry > 0)
        #expect(early.take(tokens: tokens, nowNanoseconds: now + retry - 1) == .refused(retryAfterNanoseconds: 1))
        #expect(onTime.take(tokens: tokens, nowNanoseconds: now + retry) == .admitted)
    }

    @Test func aRefundGivesItsTokensBack() {
        let bucket = TokenBucket(rate: TokenRate(tokensPerSecond: 1, burst: 4))
        let now: UInt64 = 9_000_000_000
        #expect(bucket.take(tokens: 3, nowNanoseconds: now) == .admitted)
        #expect(bucket.take(tokens: 2, nowNanoseconds: now) != .admitted)
        bucket.refund(tokens: 3, takenNanoseconds: now, nowNanoseconds: now)
        #expect(bucket.take(tokens: 4, nowNanoseconds: now) == .admitted)
        #expect(bucket.take(nowNanoseconds: now) != .admitted)
    }

    /// Tokens that had the time to come back by themselves are not given a second time.
    @Test func aLateRefundGrantsNothing() {
        let bucket = TokenBucket(rate: TokenRate(tokensPerSecond: 1, burst: 2))
        let now: UInt64 = 9_000_000_000
        #expect(bucket.take(nowNanoseconds: now) == .admitted)
        let later = now + 3_000_000_000
        #expect(bucket.take(nowNanoseconds: later) == .admitted)
        bucket.refund(takenNanoseconds: now, nowNanoseconds: later)
        #expect(bucket.take(nowNanoseconds: later) == .admitted)
        #expect(bucket.take(nowNanoseconds: later) != .admitted)
    }

    /// What is dearer than the burst waits for a full bucket and is paid whole, so that it is not refused for ever.
    @Test func aRequestDearerThanTheBurstIsPaidWhole() {
        let bucket = TokenBucket(rate: TokenRate(tokensPerSecond: 1, burst: 2))
        let now: UInt64 = 9_000_000_000
        let second: UInt64 = 1_000_000_000
        #expect(bucket.take(nowNanoseconds: now) == .admitted)
        #expect(bucket.take(tokens: 10, nowNanoseconds: now) == .refused(retryAfterNanoseconds: second))
        #expect(bucket.take(tokens: 10, nowNanoseconds: now + second) == .admitted)
        #expect(bucket.take(nowNanoseconds: now + second) == .refused(retryAfterNanoseconds: 9 * second))
    }

    /// Extreme settings keep the arithmetic in range, and so does a clock that is older than its ticks.
    @Test(arguments: [0, UInt64.max / 64, UInt64.max / 4, UInt64.max - 1000]) func extremesDoNotOverflow(_ now: UInt64)
    {
        let slow = TokenBucket(rate: TokenRate(tokensPerSecond: 1e-9, burst: TokenRate.burstMax))
        for tokens in [1, 1_000_000, Int.max] { _ = slow.take(tokens: tokens, nowNanoseconds: now) }
        let fast = TokenBucket(
            rate: TokenRate(tokensPerSecond: TokenRate.tokensPerSecondMax, burst: TokenRate.burstMax))
        #expect(fast.take(nowNanoseconds: now) == .admitted)
        #expect(fast.take(tokens: 1_000_000, nowNanoseconds: now) == .admitted)
        for old in Self.rates + [slow.rate, fast.rate] {
            for new in Self.rates + [slow.rate, fast.rate] where new != old {
                var bucket = LocalTokenBucket()
                _ = bucket.take(old, tokens: old.burst, nowNanoseconds: now)
                bucket.rescale(from: old, to: new, nowNanoseconds: now)
                #expect(bucket.debtTicks(nowNanoseconds: now) <= new.capacityTicks)
            }
        }
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
