/// A hash that nobody without the key can find collisions of by trial: two rounds of the splitmix64 finaliser (Steele, Lea,
/// Flood 2014), keyed.
struct KeyedHash: Sendable {
    let seed: UInt64

    /// Never below `reserved`.
    @inline(__always)
    func callAsFunction(_ value: UInt128, reserved: UInt64) -> UInt64 {
        let low = UInt64(truncatingIfNeeded: value)
        let high = UInt64(truncatingIfNeeded: value >> 64)
        return max(reserved, Self.mix(Self.mix(low ^ self.seed) &+ high ^ (self.seed << 1)))
    }

    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
