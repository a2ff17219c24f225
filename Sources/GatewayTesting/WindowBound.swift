public import Admission

/// Whether what a bucket grants stays within its rate, in exact integers and in every window at once.
///
/// For all windows from any grant i to any later one j, `granted(i…j) <= burst + rate · (t_j - t_i)`. With
/// `level = granted - rate · t` that says that the level after j is at most `burst` above the level before i, for each i: so it is
/// enough to keep the lowest level before a grant. A rate of binary fractions makes everything a whole number of
/// 2^-20 · 10^-9 tokens.
public struct WindowBound: Sendable {
    private let perNanosecond: Int128
    private let burst: Int128
    private var granted: Int128 = 0
    private var lowest: Int128?

    private static let unit: Int128 = 1_000_000_000 << 20

    /// - Parameter rate: a multiple of 2^-20 tokens a second, so that nothing is rounded.
    public init(_ rate: TokenRate) {
        let scaled = rate.tokensPerSecond * 1_048_576
        precondition(scaled == scaled.rounded(), "a rate that is no binary fraction")
        self.perNanosecond = Int128(scaled)
        self.burst = Int128(rate.burst) * Self.unit
    }

    /// False when there is a window with more than its bound, which ends with this grant.
    public mutating func admit(_ tokens: Int, at nowNanoseconds: UInt64) -> Bool {
        let refilled = self.perNanosecond * Int128(nowNanoseconds)
        let before = self.granted - refilled
        self.lowest = self.lowest.map { min($0, before) } ?? before
        self.granted += Int128(tokens) * Self.unit
        return self.granted - refilled - (self.lowest ?? before) <= self.burst
    }
}
