internal import Glibc

/// How many requests are due by a time, and the other way round: a rate that changes evenly and then holds.
///
/// ```
///  rate ┤        ┌───────────   requests by t: the area below
///       │     ╱
///  from ┤  ╱
///       └──┴─────┴──────────► t
///          0    ramp
/// ```
struct RateCurve: Sendable {
    private let rate: Double
    private let fromRate: Double
    private let rampSeconds: Double
    /// Requests of the whole ramp.
    private let rampCount: Double

    init(_ plan: ArrivalPlan) {
        self.rate = plan.rate
        self.fromRate = plan.rampFromRate
        self.rampSeconds = Double(plan.rampNanoseconds) / 1e9
        self.rampCount = (plan.rampFromRate + plan.rate) / 2 * self.rampSeconds
    }

    /// Nanoseconds from the start until `count` requests are due. Computed anew for each one, so that no rounding
    /// adds up.
    @inline(__always)
    func nanoseconds(count: Double) -> Double {
        guard count < self.rampCount else {
            return (count - self.rampCount) * 1e9 / self.rate + self.rampSeconds * 1e9
        }
        guard count > 0 else { return 0 }
        let slope = (self.rate - self.fromRate) / self.rampSeconds
        let root = (self.fromRate * self.fromRate + 2 * slope * count).squareRoot()
        return 2 * count / (self.fromRate + root) * 1e9
    }

    /// Requests that are due after so many nanoseconds; the fraction is that of the next one.
    func count(nanoseconds: Double) -> Double {
        let seconds = nanoseconds / 1e9
        guard seconds < self.rampSeconds else { return self.rampCount + (seconds - self.rampSeconds) * self.rate }
        let slope = (self.rate - self.fromRate) / self.rampSeconds
        return (self.fromRate + slope * seconds / 2) * seconds
    }
}

/// The times at which one thread's requests are due: of the run's requests 0, 1, 2, … the thread has every
/// `threadsCount`-th, so that all threads together keep the schedule of one.
///
/// A pure value: copying it copies the whole future.
struct ArrivalSchedule: Sendable {
    private let curve: RateCurve
    private let pattern: ArrivalPlan.Pattern
    private let threadsCount: Int
    /// Number, among all requests of the run, of the next one.
    private var number: Int
    /// Of a Poisson process with rate one: where the next request lies.
    private var position = 0.0
    private var random: RandomNumbers
    /// Nanoseconds from the start of the run at which the next request is due.
    private(set) var nextNanoseconds: UInt64 = 0
    /// Requests of this thread that are behind.
    private(set) var passedCount: UInt64 = 0

    init(_ plan: ArrivalPlan, thread: Int = 0, threadsCount: Int = 1, seed: UInt64) {
        self.curve = RateCurve(plan)
        self.pattern = plan.pattern
        self.threadsCount = threadsCount
        self.number = thread
        self.random = RandomNumbers(seed: seed)
        // Every thread walks the same process and takes its own requests out of it.
        if case .poisson = plan.pattern { self.walk(steps: thread + 1) }
        self.nextNanoseconds = self.dueNanoseconds()
    }

    @inline(__always)
    mutating func advance() {
        self.number += self.threadsCount
        self.passedCount += 1
        if case .poisson = self.pattern { self.walk(steps: self.threadsCount) }
        self.nextNanoseconds = self.dueNanoseconds()
    }

    /// Puts everything behind that is due before `limitNanoseconds`.
    mutating func advance(before limitNanoseconds: UInt64) {
        switch self.pattern {
        case .poisson:
            while self.nextNanoseconds < limitNanoseconds { self.advance() }
        case .constant, .burst:
            self.leap(before: limitNanoseconds)
            while self.nextNanoseconds < limitNanoseconds { self.advance() }
        }
    }

    /// To shortly before the limit at once, since walking would take as long as the run had stood still.
    private mutating func leap(before limitNanoseconds: UInt64) {
        // A request is never due later than its number says; two are for rounding.
        let target = Int(self.curve.count(nanoseconds: Double(limitNanoseconds))) - 2
        guard target > self.number else { return }
        let steps = (target - self.number) / self.threadsCount
        self.number += steps * self.threadsCount
        self.passedCount += UInt64(steps)
        self.nextNanoseconds = self.dueNanoseconds()
    }

    @inline(__always)
    private func dueNanoseconds() -> UInt64 {
        switch self.pattern {
        case .constant: UInt64(self.curve.nanoseconds(count: Double(self.number)))
        case .burst(let count): UInt64(self.curve.nanoseconds(count: Double(self.number / count * count)))
        case .poisson: UInt64(self.curve.nanoseconds(count: self.position))
        }
    }

    private mutating func walk(steps: Int) {
        for _ in 0..<steps {
            // 53 random bits in (0, 1]: the logarithm of none of them is infinite.
            let uniform = (Double(self.random.next() >> 11) + 1) * 0x1p-53
            self.position -= log(uniform)
        }
    }
}
