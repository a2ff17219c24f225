internal import Synchronization

/// Bytes that all pools of the process may hold together. Any thread.
public final class MemoryBudget: Sendable {
    public let bytesMax: Int
    private let used = Atomic<Int>(0)

    public init(bytesMax: Int) {
        precondition(bytesMax > 0)
        self.bytesMax = bytesMax
    }

    public var bytesUsed: Int { self.used.load(ordering: .relaxed) }

    /// False, with nothing taken, when it would exceed the maximum. The last eighth is for small blocks: those who
    /// let large answers pile up must not take the memory for everybody else's short ones.
    func take(_ bytes: Int, isSmall: Bool) -> Bool {
        let limit = isSmall ? self.bytesMax : self.bytesMax - self.bytesMax / 8
        var current = self.used.load(ordering: .relaxed)
        while current + bytes <= limit {
            let (exchanged, seen) = self.used.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if exchanged { return true }
            current = seen
        }
        return false
    }

    func give(_ bytes: Int) {
        let (_, left) = self.used.subtract(bytes, ordering: .relaxed)
        assert(left >= 0)
    }
}
