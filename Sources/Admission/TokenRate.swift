/// A rate with its burst, in the form that GCRA computes with: ticks of 1/64 ns.
///
/// Every rounding is to the strict side: in any window of `t` seconds a bucket grants at most `burst + tokensPerSecond · t`
/// tokens. What is lost by it is below 0.1 % up to 6·10^7 tokens a second, where a token is a whole number of ticks and so the
/// burst is exact. Above that, where tokens are bytes, it is what is cut off a tick per request: 0.1 % for 64 bytes at 10^10 a
/// second.
public struct TokenRate: Equatable, Sendable {
    public static let tokensPerSecondMax = 1e11
    public static let burstMax = 1_000_000_000_000

    public let tokensPerSecond: Double
    /// Tokens that may be spent at once by a bucket that has rested. A debt is at most a year long: what of a burst takes longer
    /// to come back does not count.
    public let burst: Int
    /// Ticks that one token takes to come back, rounded up; at least 1.
    @usableFromInline let intervalTicks: UInt64
    /// The debt that a bucket may be in: the burst in ticks.
    @usableFromInline let capacityTicks: UInt64
    /// How far a bucket may be in debt for one more token: the capacity without an interval.
    @usableFromInline let toleranceTicks: UInt64
    /// The interval again, in units of 2^-`fractionBits` ticks: several tokens cost no more than they must.
    let intervalFixed: UInt64
    /// 0 or 32.
    let fractionBits: UInt64

    /// - Parameters:
    ///   - tokensPerSecond: above 0, at most 10^11; less than one in 104 days counts as that.
    ///   - burst: 1 to 10^12.
    public init(tokensPerSecond: Double, burst: Int) {
        precondition(tokensPerSecond > 0 && tokensPerSecond <= Self.tokensPerSecondMax)
        precondition(burst >= 1 && burst <= Self.burstMax)
        self.tokensPerSecond = tokensPerSecond
        self.burst = burst
        let interval = Self.quotientRoundedUp(GCRA.ticksPerSecond, tokensPerSecond)
        self.intervalTicks = interval
        if interval >= 1024 {
            self.fractionBits = 0
            self.intervalFixed = interval
        } else {
            self.fractionBits = 32
            self.intervalFixed = Self.quotientRoundedUp(GCRA.ticksPerSecond * 4_294_967_296, tokensPerSecond)
        }
        let burstTicks = (UInt128(self.intervalFixed) * UInt128(UInt64(burst))) >> UInt128(self.fractionBits)
        self.capacityTicks = UInt64(min(burstTicks, UInt128(GCRA.capacityTicksMax)))
        self.toleranceTicks = self.capacityTicks - min(self.capacityTicks, interval)
    }

    /// Ticks that `tokens` take to come back, rounded up.
    @inlinable @inline(__always)
    func costTicks(_ tokens: Int) -> UInt64 {
        tokens == 1 ? self.intervalTicks : self.severalTicks(tokens)
    }

    @usableFromInline
    func severalTicks(_ tokens: Int) -> UInt64 {
        precondition(tokens >= 0)
        let product = self.intervalFixed.multipliedFullWidth(by: UInt64(tokens))
        // Shifts of 128 bits by a variable are dear, and there are only two kinds of rates.
        guard self.fractionBits > 0 else {
            return product.high == 0 ? min(product.low, GCRA.capacityTicksMax) : GCRA.capacityTicksMax
        }
        guard product.high < 1 << 31 else { return GCRA.capacityTicksMax }
        let whole = product.high << 32 | product.low >> 32
        let rest: UInt64 = product.low & 0xFFFF_FFFF == 0 ? 0 : 1
        return min(whole + rest, GCRA.capacityTicksMax)
    }

    /// The least whole number that is not below `dividend / divisor`, at most 2^59. The division may round to below what it
    /// should be; the fused product tells.
    private static func quotientRoundedUp(_ dividend: Double, _ divisor: Double) -> UInt64 {
        let rounded = min(max(1, (dividend / divisor).rounded(.up)), 0x1p59)
        let isShort = (-dividend).addingProduct(rounded, divisor) < 0 && rounded < 0x1p59
        return UInt64(rounded) + (isShort ? 1 : 0)
    }
}

/// A bucket's answer.
public enum TokenDecision: Equatable, Sendable {
    case admitted
    /// The tokens will be there after so many nanoseconds, if nobody else takes them.
    case refused(retryAfterNanoseconds: UInt64)
}
