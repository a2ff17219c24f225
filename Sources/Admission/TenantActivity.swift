internal import Synchronization

/// What became of a request, as far as its tenant is told.
public enum TenantOutcome: Int, CaseIterable, Sendable {
    case admitted
    /// Refused for what the tenant asks for: by a quota of its own, or for too many requests on one connection.
    case quota
    /// Refused for what the gateway can take: its own quota, permits, how long requests may wait for them, and pressure.
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

    @inlinable public var total: UInt64 { self.admitted &+ self.quota &+ self.overload }

    public subscript(_ outcome: TenantOutcome) -> UInt64 {
        switch outcome {
        case .admitted: self.admitted
        case .quota: self.quota
        case .overload: self.overload
        }
    }

    @inlinable @inline(__always)
    mutating func add(_ outcome: TenantOutcome) {
        switch outcome {
        case .admitted: self.admitted &+= 1
        case .quota: self.quota &+= 1
        case .overload: self.overload &+= 1
        }
    }

    public static func &+ (_ a: TenantCounts, _ b: TenantCounts) -> TenantCounts {
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
/// A tenant may have one of four cells, chosen by its hash. Who is counted there is a vote (Misra, Gries 1982): a request of a tenant
/// that has one adds a vote to it, any other takes one from each of the four, and at none a cell changes hands. So up to four
/// tenants always have their own, and of more whoever has over a fifth of the four cells' requests. What a cell had counted goes to the
/// others: the sum over all cells and the others is exact, and each series grows while its tenant keeps its cell.
public final class TenantActivity: Sendable {
    static let cellsCount = 128
    private static let ways = 4
    private static let version = 0
    private static let tenantLow = 1
    private static let tenantHigh = 2
    private static let counts = 3
    private static let votes = 6
    private static let wordsPerCell = AtomicWords.wordsPerLine
    private static let wordsPerSet = TenantActivity.ways * TenantActivity.wordsPerCell
    /// Cell whose tenant is nobody: all others.
    private static let others = TenantActivity.cellsCount * TenantActivity.wordsPerCell
    /// So many votes a tenant can have ahead: a former heavy one gives way after as many requests of others.
    private static let votesMax: UInt64 = 1 << 16

    private let hash: KeyedHash
    private let words = AtomicWords(count: (TenantActivity.cellsCount + 1) * TenantActivity.wordsPerCell)

    /// - Parameter seed: secret, so that nobody can choose tenants that displace another.
    public init(seed: UInt64 = .random(in: .min ... .max)) { self.hash = KeyedHash(seed: seed) }

    /// Requests of `tenant`, at least one. The writer's thread.
    public func add(_ tenant: UInt128, _ counts: TenantCounts) {
        let set = Int(self.hash(tenant, reserved: 0) & UInt64(Self.cellsCount / Self.ways - 1)) * Self.wordsPerSet
        let low = UInt64(truncatingIfNeeded: tenant)
        let high = UInt64(truncatingIfNeeded: tenant >> 64)
        for cell in stride(from: set, to: set + Self.wordsPerSet, by: Self.wordsPerCell)
        where self.words[cell + Self.tenantLow].load(ordering: .relaxed) == low
            && self.words[cell + Self.tenantHigh].load(ordering: .relaxed) == high
        {
            let votes = self.words[cell + Self.votes].load(ordering: .relaxed)
            self.words[cell + Self.votes].store(min(votes &+ counts.total, Self.votesMax), ordering: .relaxed)
            self.add(counts, to: cell)
            return
        }
        self.addStranger(set, low, high, counts)
    }

    /// Of a tenant without a cell.
    private func addStranger(_ set: Int, _ low: UInt64, _ high: UInt64, _ counts: TenantCounts) {
        let cells = stride(from: set, to: set + Self.wordsPerSet, by: Self.wordsPerCell)
        var weakest = set
        var votesLeast = UInt64.max
        for cell in cells {
            let votes = self.words[cell + Self.votes].load(ordering: .relaxed)
            if votes < votesLeast { (weakest, votesLeast) = (cell, votes) }
        }
        let taken = min(votesLeast, counts.total)
        for cell in cells { self.add(0 &- taken, cell + Self.votes) }
        guard taken < counts.total else { return self.add(counts, to: Self.others) }
        self.handOn(weakest, low, high)
        self.words[weakest + Self.votes].store(min(counts.total - taken, Self.votesMax), ordering: .relaxed)
        self.add(counts, to: weakest)
    }

    private func add(_ counts: TenantCounts, to cell: Int) {
        self.add(counts.admitted, cell + Self.counts)
        self.add(counts.quota, cell + Self.counts + 1)
        self.add(counts.overload, cell + Self.counts + 2)
    }

    @inline(__always)
    private func add(_ count: UInt64, _ word: Int) {
        self.words[word].store(self.words[word].load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }

    /// Odd versions tell readers that the cell is changing.
    private func handOn(_ cell: Int, _ low: UInt64, _ high: UInt64) {
        let version = self.words[cell + Self.version].load(ordering: .relaxed)
        self.words[cell + Self.version].store(version &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        self.add(self.countsOf(cell), to: Self.others)
        for outcome in 0..<TenantOutcome.allCases.count {
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
