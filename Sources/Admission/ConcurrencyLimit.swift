internal import Synchronization

/// How many requests may be open in the process at once (`--oap-concurrency`). Shared by all workers; any thread.
///
/// Three numbers bound what is open: `openMax` everything; `openMax` less `criticalReserve` and the adaptive limit,
/// whichever is lower, what is not critical. They and the count are one atomic word, so that acquiring compares with the
/// bounds of that very moment: no bound is ever exceeded by one that was lowered in between.
///
/// It must outlive its permits, which hold no reference to it: a reference count per request would be the most
/// expensive part of admission. The runtime keeps one for the life of the process.
public final class ConcurrencyLimit: Sendable {
    /// The largest limit: a third of a word.
    public static var openMaxLargest: Int { OpenWord.fieldMask }

    /// Alone on its cache lines: every worker writes it at every request.
    private let word = PaddedCounter()
    /// The most that were open since the peak was last taken. Written when that rises, read at every request.
    private let peak = PaddedCounter()
    /// What the bounds in `word` were computed from; locked by those who change it, which requests never do.
    private let bounds: Mutex<Bounds>

    private struct Bounds {
        var openMax: Int
        var criticalReserve: Int
        var adaptiveMax: Int?

        /// What is open must be fewer than this for an ordinary request to get a permit.
        var ordinaryMax: Int {
            min(self.openMax - min(self.criticalReserve, self.openMax), self.adaptiveMax ?? self.openMax)
        }
    }

    /// - Parameters:
    ///   - openMax: 1 to `openMaxLargest`.
    ///   - criticalReserve: permits that only critical requests get, 0 to `openMax`.
    public init(openMax: Int, criticalReserve: Int = 0) {
        precondition(openMax > 0 && openMax <= Self.openMaxLargest && criticalReserve >= 0)
        let bounds = Bounds(openMax: openMax, criticalReserve: criticalReserve, adaptiveMax: nil)
        self.bounds = Mutex(bounds)
        let word = OpenWord(open: 0, ordinaryMax: bounds.ordinaryMax, openMax: openMax)
        self.word.value.store(word.bits, ordering: .relaxed)
    }

    /// The configured limit.
    public var openMax: Int { OpenWord(bits: self.word.value.load(ordering: .relaxed)).openMax }

    /// Permits that only critical requests get.
    public var criticalReserve: Int { self.bounds.withLock { $0.criticalReserve } }

    /// The adaptive limit; nil when none is in force.
    public var adaptiveMax: Int? { self.bounds.withLock { $0.adaptiveMax } }

    /// Requests open now; never above `openMax`, not even for a moment, but for what was open when that was lowered.
    public var openCount: Int { OpenWord(bits: self.word.value.load(ordering: .relaxed)).open }

    /// True when an ordinary request would get a permit now.
    public var hasOrdinaryPermit: Bool {
        let word = OpenWord(bits: self.word.value.load(ordering: .relaxed))
        return word.open < word.ordinaryMax
    }

    /// Changes the configured limit. Raised, it holds at once; lowered, nothing is cancelled: no permit is granted until
    /// enough have returned.
    ///
    /// - Parameters: as in `init`.
    public func configure(openMax: Int, criticalReserve: Int) {
        precondition(openMax > 0 && openMax <= Self.openMaxLargest && criticalReserve >= 0)
        self.change { bounds in
            bounds.openMax = openMax
            bounds.criticalReserve = criticalReserve
        }
    }

    /// Sets the limit that follows the backend, which critical requests ignore; nil lifts it. At least 1, so that there is
    /// always something to measure; above the configured limit it has no effect.
    public func adapt(to adaptiveMax: Int?) {
        precondition(adaptiveMax ?? 1 > 0)
        self.change { $0.adaptiveMax = adaptiveMax.map { min($0, Self.openMaxLargest) } }
    }

    private func change(_ body: (inout Bounds) -> Void) {
        self.bounds.withLock { bounds in
            body(&bounds)
            var seen = self.word.value.load(ordering: .relaxed)
            while true {
                let desired = OpenWord(
                    open: OpenWord(bits: seen).open, ordinaryMax: bounds.ordinaryMax, openMax: bounds.openMax)
                let (exchanged, current) = self.word.value.weakCompareExchange(
                    expected: seen, desired: desired.bits, ordering: .relaxed)
                if exchanged { return }
                seen = current
            }
        }
    }

    /// Nil at the limit. Acquire on success pairs with the release in the permit's end, so that what the last holder
    /// wrote is visible to the next on weakly ordered processors.
    ///
    /// - Parameter isCritical: may use the reserve, and is not held back by the adaptive limit.
    public func acquire(critical isCritical: Bool = false) -> Permit? {
        var seen = self.word.value.load(ordering: .relaxed)
        while true {
            let word = OpenWord(bits: seen)
            guard word.open < (isCritical ? word.openMax : word.ordinaryMax) else { return nil }
            let (exchanged, current) = self.word.value.weakCompareExchange(
                expected: seen, desired: seen + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
            if exchanged {
                self.notePeak(word.open + 1)
                return Permit(countedBy: self)
            }
            seen = current
        }
    }

    private func notePeak(_ open: Int) {
        if open > self.peak.value.load(ordering: .relaxed) { self.peak.value.max(open, ordering: .relaxed) }
    }

    /// The most that were open at once since the last `takePeak`. Exact once those who were acquiring have returned.
    public var openPeak: Int { self.peak.value.load(ordering: .relaxed) }

    /// Reads the peak and begins the next one with what is open now. One reader: two would share the peaks between them.
    public func takePeak() -> Int {
        let taken = self.peak.value.exchange(0, ordering: .relaxed)
        // After the exchange: a request that was admitted before it and is still open counts for the next peak too.
        self.notePeak(self.openCount)
        return taken
    }

    /// Called by a permit's end, once.
    func release() {
        let (before, _) = self.word.value.subtract(1, ordering: .releasing)
        precondition(OpenWord(bits: before).open > 0, "a permit was returned twice")
    }
}

/// The limit's word: from the lowest bit, 21 bits each for the requests open, for the bound of ordinary ones and for the
/// bound of all. Adding 1 opens a request.
private struct OpenWord {
    static var fieldMask: Int { (1 << 21) - 1 }

    let bits: Int

    @inline(__always)
    init(bits: Int) { self.bits = bits }

    init(open: Int, ordinaryMax: Int, openMax: Int) {
        self.bits = open | ordinaryMax << 21 | openMax << 42
    }

    var open: Int { self.bits & Self.fieldMask }
    var ordinaryMax: Int { self.bits >> 21 & Self.fieldMask }
    var openMax: Int { self.bits >> 42 & Self.fieldMask }
}

/// 128 bytes on either side: the adjacent-line prefetcher of x86 and the larger lines of some ARM cores share pairs
/// of 64.
struct PaddedCounter: ~Copyable {
    private let before = InlineArray<16, UInt64>(repeating: 0)
    let value = Atomic<Int>(0)
    private let after = InlineArray<16, UInt64>(repeating: 0)
}
