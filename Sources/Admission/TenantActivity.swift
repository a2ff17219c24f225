internal import Synchronization

/// What became of a request, as far as its tenant is told.
public enum TenantOutcome: Int, CaseIterable, Sendable {
    case admitted
    /// By a quota of the tenant.
    case quota
    /// By the gateway's own limits.
    case overload
}

/// Requests by outcome.
public struct TenantCounts: Equatable, Sendable {
    public var admitted: UInt64 = 0
    public var quota: UInt64 = 0
    public var overload: UInt64 = 0

    public init(admitted: UInt64 = 0, quota: UInt64 = 0, overload: UInt64 = 0) {
        self.admitted = admitted
        self.quota = quota
        self.overload = overload
    }

    public var total: UInt64 { self.admitted &+ self.quota &+ self.overload }

    public subscript(_ outcome: TenantOutcome) -> UInt64 {
        switch outcome {
        case .admitted: self.admitted
        case .quota: self.quota
        case .overload: self.overload
        }
    }

    static func &+ (_ a: TenantCounts, _ b: TenantCounts) -> TenantCounts {
        TenantCounts(
            admitted: a.admitted &+ b.admitted, quota: a.quota &+ b.quota, overload: a.overload &+ b.overload)
    }

    static func &- (_ a: TenantCounts, _ b: TenantCounts) -> TenantCounts {
        TenantCounts(
            admitted: a.admitted &- b.admitted, quota: a.quota &- b.quota, overload: a.overload &- b.overload)
    }
}

/// One worker's requests by tenant, as far as fixed memory reaches: the tenants with most requests have cells, the others are
/// counted together. One thread writes, any reads.
///
/// ```
///  a cell, one line   | version | tenant low, high | admitted, quota, overload | votes | unused |
/// ```
/// A tenant has one place, chosen by its hash. Who is counted there is a vote (Boyer, Moore 1981): a request of its tenant adds a
/// vote and any other takes one away, and at none the cell changes hands, so that a tenant with more than half of a cell's requests
/// has it. What it had counted goes to the others. So the sum over all cells and the others is exact, and each series grows
/// while its tenant keeps its cell.
public final class TenantActivity: Sendable {
    static let cellsCount = 128
    private static let version = 0
    private static let tenantLow = 1
    private static let tenantHigh = 2
    private static let counts = 3
    private static let votes = 6
    private static let wordsPerCell = AtomicWords.wordsPerLine
    /// Cell whose tenant is nobody: all others.
    private static let others = TenantActivity.cellsCount * TenantActivity.wordsPerCell
    /// So many votes a tenant can have ahead: a former heavy one gives way after as many requests of others.
    private static let votesMax: UInt64 = 1 << 16

    private let hash: KeyedHash
    private let words = AtomicWords(count: (TenantActivity.cellsCount + 1) * TenantActivity.wordsPerCell)
    /// The writer's: the tenant of its last request and where it is counted.
    private let last = AtomicWords(count: 3)

    /// - Parameter seed: secret, so that nobody can choose tenants that displace another.
    public init(seed: UInt64 = .random(in: .min ... .max)) { self.hash = KeyedHash(seed: seed) }

    /// One request of `tenant`. The writer's thread.
    @inline(__always)
    public func count(_ tenant: UInt128, _ outcome: TenantOutcome) {
        let cell = Int(self.last[2].load(ordering: .relaxed))
        if UInt64(truncatingIfNeeded: tenant) == self.last[0].load(ordering: .relaxed),
            UInt64(truncatingIfNeeded: tenant >> 64) == self.last[1].load(ordering: .relaxed), cell > 0
        {
            self.add(1, cell - 1 + Self.counts + outcome.rawValue)
            self.add(1, cell - 1 + Self.votes)
        } else {
            self.countAnother(tenant, outcome)
        }
    }

    @inline(__always)
    private func add(_ count: UInt64, _ word: Int) {
        self.words[word].store(self.words[word].load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }

    private func countAnother(_ tenant: UInt128, _ outcome: TenantOutcome) {
        let cell = Int(self.hash(tenant, reserved: 0) & UInt64(Self.cellsCount - 1)) * Self.wordsPerCell
        let low = UInt64(truncatingIfNeeded: tenant)
        let high = UInt64(truncatingIfNeeded: tenant >> 64)
        let isIts =
            self.words[cell + Self.tenantLow].load(ordering: .relaxed) == low
            && self.words[cell + Self.tenantHigh].load(ordering: .relaxed) == high
        let votes = min(self.words[cell + Self.votes].load(ordering: .relaxed), Self.votesMax)
        if !isIts || votes == 0 {
            guard votes == 0 else {
                self.words[cell + Self.votes].store(votes - 1, ordering: .relaxed)
                self.add(1, Self.others + Self.counts + outcome.rawValue)
                // Somebody else's cell: there is no short way to it.
                self.last[2].store(0, ordering: .relaxed)
                return
            }
            if !isIts { self.handOn(cell, low, high) }
        }
        self.words[cell + Self.votes].store(votes + 1, ordering: .relaxed)
        self.add(1, cell + Self.counts + outcome.rawValue)
        self.last[0].store(low, ordering: .relaxed)
        self.last[1].store(high, ordering: .relaxed)
        self.last[2].store(UInt64(cell) + 1, ordering: .relaxed)
    }

    /// Odd versions tell readers that the cell is changing.
    private func handOn(_ cell: Int, _ low: UInt64, _ high: UInt64) {
        let version = self.words[cell + Self.version].load(ordering: .relaxed)
        self.words[cell + Self.version].store(version &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        for outcome in 0..<TenantOutcome.allCases.count {
            let count = self.words[cell + Self.counts + outcome].load(ordering: .relaxed)
            self.add(count, Self.others + Self.counts + outcome)
            self.words[cell + Self.counts + outcome].store(0, ordering: .relaxed)
        }
        self.words[cell + Self.tenantLow].store(low, ordering: .relaxed)
        self.words[cell + Self.tenantHigh].store(high, ordering: .relaxed)
        self.words[cell + Self.version].store(version &+ 2, ordering: .releasing)
    }

    // MARK: Reading

    /// Every tenant with a cell and what it has counted since it got it, and the others together. Any thread. Beside a writer a cell
    /// that changes hands at this moment may be left out or told twice; at rest the sum is exact.
    func read(into tenants: inout [UInt128: TenantCounts], others: inout TenantCounts) {
        for index in 0..<Self.cellsCount {
            guard let (tenant, counts) = self.read(index * Self.wordsPerCell), counts.total > 0 else { continue }
            tenants[tenant, default: TenantCounts()] = tenants[tenant, default: TenantCounts()] &+ counts
        }
        others = others &+ self.countsOf(Self.others)
    }

    private func read(_ cell: Int) -> (UInt128, TenantCounts)? {
        // A cell that keeps changing belongs to nobody in particular.
        for _ in 0..<64 {
            let before = self.words[cell + Self.version].load(ordering: .acquiring)
            let low = self.words[cell + Self.tenantLow].load(ordering: .relaxed)
            let high = self.words[cell + Self.tenantHigh].load(ordering: .relaxed)
            let counts = self.countsOf(cell)
            atomicMemoryFence(ordering: .acquiring)
            let after = self.words[cell + Self.version].load(ordering: .relaxed)
            if before == after, before & 1 == 0 { return (UInt128(high) << 64 | UInt128(low), counts) }
        }
        return nil
    }

    private func countsOf(_ cell: Int) -> TenantCounts {
        TenantCounts(
            admitted: self.words[cell + Self.counts].load(ordering: .relaxed),
            quota: self.words[cell + Self.counts + 1].load(ordering: .relaxed),
            overload: self.words[cell + Self.counts + 2].load(ordering: .relaxed))
    }
}
