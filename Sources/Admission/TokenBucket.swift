public import Synchronization

/// One GCRA bucket in one atomic word, exact across workers. Any thread.
public final class TokenBucket: Sendable {
    public let rate: TokenRate
    @usableFromInline let arrival = PaddedWord()

    public init(rate: TokenRate) { self.rate = rate }

    /// Takes `tokens`, all or none, at `nowNanoseconds` of the monotonic clock.
    @inlinable @inline(__always)
    public func take(tokens: Int = 1, nowNanoseconds: UInt64) -> TokenDecision {
        self.arrival.value.take(self.rate, of: QuotaEdition(), tokens: tokens, nowNanoseconds: nowNanoseconds)
    }

    /// Gives back what `take` granted at `takenNanoseconds` and a later check made useless; tokens that have had the time to come
    /// back by themselves are not given twice.
    public func refund(tokens: Int = 1, takenNanoseconds: UInt64, nowNanoseconds: UInt64) {
        self.arrival.value.refund(
            self.rate, of: QuotaEdition(), tokens: tokens, takenNanoseconds: takenNanoseconds,
            clock: { nowNanoseconds })
    }
}

/// Alone on its cache lines, 128 bytes on either side.
@usableFromInline
struct PaddedWord: ~Copyable, Sendable {
    private let before = InlineArray<16, UInt64>(repeating: 0)
    @usableFromInline let value = Atomic<UInt64>(0)
    private let after = InlineArray<16, UInt64>(repeating: 0)
}

/// A bucket of one connection, owned by its worker's thread: the same arithmetic without atomics.
public struct LocalTokenBucket: Sendable {
    @usableFromInline var arrival: UInt64 = 0

    public init() {}

    @inlinable @inline(__always)
    public mutating func take(_ rate: TokenRate, tokens: Int = 1, nowNanoseconds: UInt64) -> TokenDecision {
        let (next, decision) = GCRA.take(self.arrival, rate, tokens: tokens, nowNanoseconds: nowNanoseconds)
        self.arrival = next
        return decision
    }

    /// A changed rate keeps the debt in tokens, at most the new burst.
    public mutating func rescale(from old: TokenRate?, to new: TokenRate?, nowNanoseconds: UInt64) {
        self.arrival = GCRA.rescale(self.arrival, from: old, to: new, nowNanoseconds: nowNanoseconds)
    }

    func debtTicks(nowNanoseconds: UInt64) -> UInt64 {
        GCRA.debt(self.arrival, nowTicks: GCRA.ticks(nowNanoseconds))
    }
}
