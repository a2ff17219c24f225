public import Synchronization

/// The generic cell rate algorithm (ITU-T I.371, virtual scheduling) over one word: the theoretical arrival time of the next
/// token, in ticks of 1/64 ns of the monotonic clock. A bucket's debt is how far its word is ahead of now, and a bucket without
/// debt is full; a new one is 0.
///
/// Words wrap around with the clock, every nine years: a word that is further ahead than any debt can be lies in the past.
@usableFromInline
enum GCRA {
    static let ticksPerSecond = 64e9
    /// A year; half of what a word may be ahead by.
    static let capacityTicksMax: UInt64 = 1 << 61
    @inlinable static var debtTicksMax: UInt64 { 1 << 62 }

    @inlinable @inline(__always)
    static func ticks(_ nanoseconds: UInt64) -> UInt64 { nanoseconds &<< 6 }

    /// Rounded up: who comes back after it does not come too early.
    @inlinable @inline(__always)
    static func nanoseconds(_ ticks: UInt64) -> UInt64 { (ticks + 63) >> 6 }

    @inlinable @inline(__always)
    static func debt(_ word: UInt64, nowTicks: UInt64) -> UInt64 {
        let ahead = word &- nowTicks
        return ahead <= Self.debtTicksMax ? ahead : 0
    }

    /// The word after taking `tokens`, or how long to wait for them. A request that is dearer than the burst waits until the
    /// bucket is full and is paid whole: over time the rate holds, and nobody is refused for ever. Settings refuse costs that do
    /// not fit.
    @inlinable @inline(__always)
    static func take(
        _ word: UInt64, _ rate: borrowing TokenRate, tokens: Int, nowNanoseconds: UInt64
    ) -> (next: UInt64, decision: TokenDecision) {
        let now = Self.ticks(nowNanoseconds)
        let debt = Self.debt(word, nowTicks: now)
        let cost = rate.costTicks(tokens)
        let tolerance = tokens == 1 ? rate.toleranceTicks : rate.capacityTicks - min(rate.capacityTicks, cost)
        guard debt <= tolerance else {
            return (word, .refused(retryAfterNanoseconds: Self.nanoseconds(debt - tolerance)))
        }
        return (now &+ debt &+ cost, .admitted)
    }

    /// The word after taking tokens for requests to come; nil unless three quarters of the burst are left afterwards.
    @inline(__always)
    static func takeAhead(
        _ word: UInt64, _ rate: borrowing TokenRate, tokens: Int, nowNanoseconds: UInt64
    ) -> UInt64? {
        let now = Self.ticks(nowNanoseconds)
        let debt = Self.debt(word, nowTicks: now) &+ rate.costTicks(tokens)
        return debt <= rate.capacityTicks >> 2 ? now &+ debt : nil
    }

    /// The word after giving tokens back that were taken at `takenNanoseconds`, but for those that may have come back by
    /// themselves since: a bucket that was full in between would be given them twice. Without them its word would be less, by
    /// at least their ticks without the time that has passed.
    @inline(__always)
    static func refund(
        _ word: UInt64, _ rate: borrowing TokenRate, tokens: Int, takenNanoseconds: UInt64, nowNanoseconds: UInt64
    ) -> UInt64 {
        let taken = rate.costTicks(tokens)
        // Of what was taken together only a part may go back, and what is rounded up for both is more than the part is worth.
        let cost = rate.fractionBits == 0 ? taken : taken &- min(taken, 1)
        let passed = nowNanoseconds &- takenNanoseconds
        guard passed <= cost >> 6 else { return word }
        return word &- (cost &- Self.ticks(passed))
    }

    /// The word with a debt that is greater by `ticks`.
    static func charge(_ word: UInt64, _ ticks: UInt64, nowTicks: UInt64) -> UInt64 {
        nowTicks &+ min(Self.debt(word, nowTicks: nowTicks) + ticks, Self.debtTicksMax)
    }

    /// The word of a bucket whose rate changes: the same debt in tokens, at most the new burst. Without an old rate there was no
    /// debt. Where tokens are worth other ticks it is always another word, by a tick if need be: who has computed with the old
    /// one finds it changed.
    static func rescale(_ word: UInt64, from old: TokenRate?, to new: TokenRate?, nowNanoseconds: UInt64) -> UInt64 {
        guard old != new else { return word }
        guard let old, let new else { return word == 0 ? 1 : 0 }
        let now = Self.ticks(nowNanoseconds)
        let debt = Self.debt(word, nowTicks: now)
        guard debt > 0 else {
            // Some minutes in the past: a worker's turn may have begun before now.
            let full = now &- 1 << 44
            return full == word ? full &- 1 : full
        }
        let next = now &+ Self.rescaledDebt(debt, from: old, to: new)
        let isSameScale = old.intervalFixed == new.intervalFixed && old.fractionBits == new.fractionBits
        return next == word && !isSameScale ? word &+ 1 : next
    }

    private static func rescaledDebt(_ debt: UInt64, from old: TokenRate, to new: TokenRate) -> UInt64 {
        // In 2^-20 tokens: at most 2^62 · 2^52 / 2^31 of them, and after the bound 2^60 · 2^59. Rounded up, so that whole tokens
        // stay whole.
        let (tokens, rest) = (UInt128(debt) << (20 + UInt128(old.fractionBits))).quotientAndRemainder(
            dividingBy: UInt128(old.intervalFixed))
        let owed = rest == 0 ? tokens : tokens + 1
        guard owed < UInt128(UInt64(new.burst)) << 20 else { return new.capacityTicks }
        let bits = 20 + UInt128(new.fractionBits)
        let ticks = (owed * UInt128(new.intervalFixed) + (1 << bits - 1)) >> bits
        return UInt64(min(ticks, UInt128(new.capacityTicks)))
    }
}

/// A bucket in one atomic word that any number of threads take from.
///
/// Sequentially consistent, which costs nothing on x86-64: who takes from a bucket of a table looks afterwards whether it is
/// still its own, and whoever hands it on marks it first and looks at the word afterwards.
extension Atomic where Value == UInt64 {
    ///
    /// - Parameter edition: that of `rate`. When it is not the newest any more a refusal means nothing: the newest is to be asked.
    @inlinable @inline(__always)
    func take(
        _ rate: borrowing TokenRate, of edition: borrowing QuotaEdition, tokens: Int, nowNanoseconds: UInt64
    ) -> TokenDecision {
        var seen = self.load(ordering: .sequentiallyConsistent)
        while true {
            let (next, decision) = GCRA.take(seen, rate, tokens: tokens, nowNanoseconds: nowNanoseconds)
            guard case .admitted = decision else { return decision }
            guard edition.isNewest else { return .refused(retryAfterNanoseconds: 0) }
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: next, ordering: .sequentiallyConsistent)
            if exchanged { return .admitted }
            seen = current
        }
    }

    /// False when the bucket has none to spare, or `rate` is not its rate any more.
    @inline(__always)
    func takeAhead(
        _ rate: borrowing TokenRate, of edition: borrowing QuotaEdition, tokens: Int, nowNanoseconds: UInt64
    ) -> Bool {
        var seen = self.load(ordering: .sequentiallyConsistent)
        while true {
            guard let next = GCRA.takeAhead(seen, rate, tokens: tokens, nowNanoseconds: nowNanoseconds),
                edition.isNewest
            else { return false }
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: next, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            seen = current
        }
    }

    /// The clock is read after the word: an instant before another thread's take would give back what it has come to find
    /// returned. What was taken by a rate that is not the bucket's any more stays spent, as the tokens that it counted.
    func refund(
        _ rate: borrowing TokenRate, of edition: borrowing QuotaEdition, tokens: Int, takenNanoseconds: UInt64,
        clock: () -> UInt64
    ) {
        var seen = self.load(ordering: .sequentiallyConsistent)
        while true {
            let next = GCRA.refund(
                seen, rate, tokens: tokens, takenNanoseconds: takenNanoseconds, nowNanoseconds: clock())
            guard next != seen, edition.isNewest else { return }
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: next, ordering: .sequentiallyConsistent)
            if exchanged { return }
            seen = current
        }
    }

    func rescale(from old: TokenRate?, to new: TokenRate?, nowNanoseconds: UInt64) {
        var seen = self.load(ordering: .relaxed)
        while true {
            let next = GCRA.rescale(seen, from: old, to: new, nowNanoseconds: nowNanoseconds)
            guard next != seen else { return }
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: next, ordering: .sequentiallyConsistent)
            if exchanged { return }
            seen = current
        }
    }

    /// Adds to the debt, whatever it is.
    func charge(ticks: UInt64, nowNanoseconds: UInt64) {
        guard ticks > 0 else { return }
        let now = GCRA.ticks(nowNanoseconds)
        var seen = self.load(ordering: .relaxed)
        while true {
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: GCRA.charge(seen, ticks, nowTicks: now), ordering: .sequentiallyConsistent)
            if exchanged { return }
            seen = current
        }
    }
}
