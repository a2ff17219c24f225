/// How long to wait before trying again.
enum Backoff {
    /// `base`, doubled with each attempt after the first, up to `max`.
    ///
    /// - Parameter attempt: 1 for the first.
    static func exponential(base: UInt64, max: UInt64, attempt: Int) -> UInt64 {
        let doublings = Swift.max(0, attempt - 1)
        // Shifting out bits would make a long wait short.
        guard doublings < base.leadingZeroBitCount else { return max }
        return min(max, base << UInt64(doublings))
    }

    /// Between half of `whole` and `whole`, as `fraction` (of 2^64) tells: for a single peer, which should not be
    /// asked at once.
    static func equalJitter(_ whole: UInt64, fraction: UInt64) -> UInt64 {
        whole - (whole / 2).multipliedFullWidth(by: fraction).high
    }
}

/// Retries in proportion to requests: each request is good for a tenth of a retry. A backend that fails everything then
/// gets a tenth more than it was sent, and not three times as much.
///
/// It starts empty, so that retries are at no time more than a tenth of all requests so far.
struct RetryBudget {
    static let requestsPerRetry = 10

    private let tenthsMax: Int
    private(set) var tenths = 0

    /// - Parameter savedMax: retries that may be saved up.
    init(savedMax: Int) { self.tenthsMax = savedMax * Self.requestsPerRetry }

    mutating func earn() { self.tenths = min(self.tenthsMax, self.tenths + 1) }

    /// False when there is no retry to be had.
    mutating func spend() -> Bool {
        guard self.tenths >= Self.requestsPerRetry else { return false }
        self.tenths -= Self.requestsPerRetry
        return true
    }
}
