internal import Synchronization

/// How many requests may be open in the process at once (`--oap-concurrency`). Shared by all workers; any thread.
///
/// It must outlive its permits, which hold no reference to it: a reference count per request would be the most
/// expensive part of admission. The runtime keeps one for the life of the process.
public final class ConcurrencyLimit: Sendable {
    public let openMax: Int
    /// Alone on its cache lines: every worker writes it at every request.
    private let open = PaddedCounter()

    public init(openMax: Int) {
        precondition(openMax > 0)
        self.openMax = openMax
    }

    /// Requests open now; never above `openMax`, not even for a moment.
    public var openCount: Int { self.open.value.load(ordering: .relaxed) }

    /// Nil at the limit. Acquire on success pairs with the release in the permit's end, so that what the last holder
    /// wrote is visible to the next on weakly ordered processors.
    public func acquire() -> Permit? {
        var current = self.open.value.load(ordering: .relaxed)
        while current < self.openMax {
            let (exchanged, seen) = self.open.value.weakCompareExchange(
                expected: current, desired: current + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
            if exchanged { return Permit(self) }
            current = seen
        }
        return nil
    }

    fileprivate func release() {
        let (before, _) = self.open.value.subtract(1, ordering: .releasing)
        precondition(before > 0, "a permit was returned twice")
    }
}

/// Proof that a request was admitted. Dropping it is the only way to return it.
@safe public struct Permit: ~Copyable {
    private let limit: Unmanaged<ConcurrencyLimit>

    fileprivate init(_ limit: ConcurrencyLimit) { unsafe self.limit = .passUnretained(limit) }

    deinit { unsafe self.limit._withUnsafeGuaranteedRef { $0.release() } }
}

/// 128 bytes on either side: the adjacent-line prefetcher of x86 and the larger lines of some ARM cores share pairs
/// of 64.
struct PaddedCounter: ~Copyable {
    private let before = InlineArray<16, UInt64>(repeating: 0)
    let value = Atomic<Int>(0)
    private let after = InlineArray<16, UInt64>(repeating: 0)
}
