/// SplitMix64 (Steele, Lea, Flood 2014): a random generator whose whole history is its seed, so that a failure replays.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    public let seed: UInt64
    private var state: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        self.state = seed
    }

    /// A fresh seed for every run, or the one of the environment variable `OAP_TEST_SEED`, which replays a failed run.
    ///
    /// - Parameter usual: the seed of runs without that variable, for simulations whose bounds are statistical: one seed in
    ///   some thousand misses any of them, and says nothing by that.
    public static func fromEnvironment(usual: UInt64? = nil) -> SeededGenerator {
        SeededGenerator(seed: TestEnvironment.seed ?? usual ?? UInt64.random(in: .min ... .max))
    }

    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// `count` random bytes.
    public mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) }
    }

    /// True once in `chances` times.
    public mutating func oneIn(_ chances: UInt64) -> Bool { self.next() % chances == 0 }

    /// What a failure message says, so that the run can be repeated.
    public var replay: String { "replay with OAP_TEST_SEED=\(self.seed)" }
}
