public import Admission
internal import Synchronization

/// Holds the concurrency limit against its promise: two threads acquire and drop permits at random, each holding up to four
/// of a limit of three, and count by themselves, outside the limit, how many are out. Used by the tests with few operations
/// and by `permit-proof` with many.
public struct PermitProof: Sendable {
    public static let limit = 3

    public let operations: Int
    /// The most permits out at once, as those who held them counted.
    public let holdersPeak: Int
    /// The same, as the limit's own gauge says.
    public let openPeak: Int
    public let refusals: Int
    /// Permits out after all were dropped.
    public let openAfter: Int

    /// True when the limit was reached, never exceeded, and everything came back.
    public var holds: Bool {
        self.holdersPeak == Self.limit && self.openPeak == Self.limit && self.refusals > 0 && self.openAfter == 0
    }

    private final class Tally: Sendable {
        let holders = Atomic<Int>(0)
        let peak = Atomic<Int>(0)
        let refusals = Atomic<Int>(0)
    }

    /// - Parameters:
    ///   - operations: acquired, refused or dropped, by both threads together.
    ///   - seed: of what each thread does; which comes first is the machine's.
    public static func run(operations: Int, seed: UInt64) async -> PermitProof {
        let limit = ConcurrencyLimit(openMax: Self.limit)
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<2 {
                group.addTask { Self.exercise(limit, tally, operations: operations / 2, seed: seed &+ UInt64(thread)) }
            }
        }
        return PermitProof(
            operations: operations / 2 * 2, holdersPeak: tally.peak.load(ordering: .relaxed),
            openPeak: limit.openPeak, refusals: tally.refusals.load(ordering: .relaxed), openAfter: limit.openCount)
    }

    /// Counts a permit after it is had and until before it is dropped, so that the count is never more than are out.
    private static func exercise(_ limit: ConcurrencyLimit, _ tally: Tally, operations: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var held = PermitStack()
        var (peak, refusals) = (0, 0)
        for _ in 0..<operations {
            if held.count > 0 && random.oneIn(2) {
                tally.holders.subtract(1, ordering: .sequentiallyConsistent)
                held.dropOne()
            } else if held.push(from: limit) {
                peak = max(peak, tally.holders.add(1, ordering: .sequentiallyConsistent).newValue)
            } else {
                refusals += 1
            }
        }
        tally.holders.subtract(held.count, ordering: .sequentiallyConsistent)
        held.dropAll()
        tally.peak.max(peak, ordering: .relaxed)
        tally.refusals.add(refusals, ordering: .relaxed)
    }
}

/// Up to four permits; they are noncopyable, so no array holds them.
public struct PermitStack: ~Copyable {
    private var permits = InlineArray<4, Permit?>(first: nil) { _ in nil }
    public private(set) var count = 0

    public init() {}

    /// False when the limit refused.
    public mutating func push(from limit: ConcurrencyLimit, critical isCritical: Bool = false) -> Bool {
        guard self.count < 4, let permit = limit.acquire(critical: isCritical) else { return false }
        self.permits[self.count] = consume permit
        self.count += 1
        return true
    }

    public mutating func dropOne() {
        self.count -= 1
        self.permits[self.count] = nil
    }

    public mutating func dropAll() { while self.count > 0 { self.dropOne() } }
}
