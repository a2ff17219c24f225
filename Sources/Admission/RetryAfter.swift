/// When a refused client is told to come back.
public enum RetryAfter {
    /// The true time and up to a quarter of it more, a minute at most, in milliseconds rounded up: never too early, and those that were refused
    /// together do not come back together. At least 1.
    ///
    /// - Parameters:
    ///   - nanoseconds: the bucket's own time; a client that comes earlier is refused again.
    ///   - correlation: of the refused request; it chooses the jitter, so that an answer can be told again.
    @inlinable
    public static func milliseconds(nanoseconds: UInt64, correlation: UInt64) -> UInt64 {
        // The high bits of a product with the golden ratio: successive correlations are spread evenly.
        let share = (correlation &* 0x9E37_79B9_7F4A_7C15) >> 48
        let quarter = min(nanoseconds / 4, 60_000_000_000)
        // Split, so that no time is too long to be multiplied.
        let jitter = quarter / 65_536 * share + (quarter % 65_536) * share / 65_536
        let (sum, overflow) = nanoseconds.addingReportingOverflow(jitter)
        return max(1, (overflow ? .max : sum) / 1_000_000 + ((overflow ? .max : sum) % 1_000_000 > 0 ? 1 : 0))
    }
}
