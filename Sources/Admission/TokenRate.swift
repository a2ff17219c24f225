/// A rate with its burst, in the form that GCRA computes with.
public struct TokenRate: Equatable, Sendable {
    public let tokensPerSecond: Double
    /// Tokens that may be spent at once by a bucket that has rested.
    public let burst: Int
    /// Nanoseconds that one token takes to come back; at least 1.
    let intervalNanoseconds: UInt64
    /// How far a bucket's time may run ahead of the clock: `(burst - 1)` intervals.
    let toleranceNanoseconds: UInt64

    /// - Parameters:
    ///   - tokensPerSecond: above 0, at most 10^9.
    ///   - burst: 1 to 10^9.
    public init(tokensPerSecond: Double, burst: Int) {
        precondition(tokensPerSecond > 0 && tokensPerSecond <= 1e9)
        precondition(burst >= 1 && burst <= 1_000_000_000)
        self.tokensPerSecond = tokensPerSecond
        self.burst = burst
        // Rounded up: never more than the rate. A year bounds the slowest, so that no product overflows.
        let interval = min((1e9 / tokensPerSecond).rounded(.up), 3.2e16)
        self.intervalNanoseconds = max(1, UInt64(interval))
        let (tolerance, overflow) = self.intervalNanoseconds.multipliedReportingOverflow(by: UInt64(burst - 1))
        self.toleranceNanoseconds = overflow ? UInt64.max / 4 : min(tolerance, UInt64.max / 4)
    }
}

/// A bucket's answer.
public enum TokenDecision: Equatable, Sendable {
    case admitted
    /// A token will be there after so many nanoseconds, if nobody else takes it.
    case refused(retryAfterNanoseconds: UInt64)
}

/// The generic cell rate algorithm (ITU-T I.371, virtual scheduling) over one word: the theoretical arrival time of
/// the next token. A new bucket is 0, and so full.
enum GCRA {
    /// The word after taking one token at `now`, or how long to wait for it.
    static func take(_ arrival: UInt64, _ rate: TokenRate, now: UInt64) -> (next: UInt64, decision: TokenDecision) {
        let start = max(arrival, now)
        guard start - now <= rate.toleranceNanoseconds else {
            return (arrival, .refused(retryAfterNanoseconds: start - now - rate.toleranceNanoseconds))
        }
        return (start + rate.intervalNanoseconds, .admitted)
    }
}
