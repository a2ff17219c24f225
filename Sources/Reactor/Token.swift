/// Names a session across the kernel: slot and generation, so that a late completion finds no tenant.
public struct Token: Hashable, Sendable {
    /// Index into the owner's fixed table.
    public let slot: UInt32
    /// Counts the slot's tenants modulo 2^24; the top byte of the word on the wire to the kernel is the operation's
    /// kind.
    public let generation: UInt32

    public static let generationMask: UInt32 = 0xFF_FFFF

    @inline(__always)
    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation & Self.generationMask
    }

    @inline(__always)
    func word(_ kind: CompletionKind) -> UInt64 {
        UInt64(kind.rawValue) << 56 | UInt64(self.generation) << 32 | UInt64(self.slot)
    }

    @inline(__always)
    init(word: UInt64) {
        self.slot = UInt32(truncatingIfNeeded: word)
        self.generation = UInt32(truncatingIfNeeded: word >> 32) & Self.generationMask
    }
}
