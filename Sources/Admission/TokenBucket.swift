internal import Synchronization

/// One GCRA bucket in one atomic word, exact across workers. Any thread.
public final class TokenBucket: Sendable {
    public let rate: TokenRate
    private let arrival = PaddedWord()

    public init(rate: TokenRate) { self.rate = rate }

    /// Takes one token at `nowNanoseconds` of the monotonic clock.
    public func take(nowNanoseconds: UInt64) -> TokenDecision {
        var seen = self.arrival.value.load(ordering: .relaxed)
        while true {
            let (next, decision) = GCRA.take(seen, self.rate, now: nowNanoseconds)
            guard case .admitted = decision else { return decision }
            let (exchanged, current) = self.arrival.value.weakCompareExchange(
                expected: seen, desired: next, ordering: .relaxed)
            if exchanged { return .admitted }
            seen = current
        }
    }

    /// Gives back a token that `take` granted and that a later check made useless.
    public func refund() { self.arrival.value.subtract(self.rate.intervalNanoseconds, ordering: .relaxed) }
}

struct PaddedWord: ~Copyable {
    private let before = InlineArray<16, UInt64>(repeating: 0)
    let value = Atomic<UInt64>(0)
    private let after = InlineArray<16, UInt64>(repeating: 0)
}

/// A bucket of one connection, owned by its worker's thread: the same arithmetic without atomics.
public struct LocalTokenBucket: Sendable {
    private var arrival: UInt64 = 0

    public init() {}

    @inline(__always)
    public mutating func take(_ rate: TokenRate, nowNanoseconds: UInt64) -> TokenDecision {
        let (next, decision) = GCRA.take(self.arrival, rate, now: nowNanoseconds)
        self.arrival = next
        return decision
    }
}
