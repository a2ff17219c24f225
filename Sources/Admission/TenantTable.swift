internal import Synchronization

/// The buckets of all tenants without a quota of their own, in fixed memory. Shared by all workers; any thread; nobody waits
/// for anybody.
///
/// ```
///  one set, 320 bytes   | hash 0 … hash 7 | requests, bytes, day of way 0 … 7 | shared requests, bytes, day | busy | unused |
/// ```
/// Tenants are found by a keyed 64-bit hash in sets of eight, at first where the hash says. A tenant without a cell gets an unused one or one without debt,
/// since a full bucket says the same as a new one: eviction grants nothing. When all eight are in debt, the set's tenants
/// without a cell share one more, so that a flood of invented tenants limits itself and never the table. What a newcomer may
/// have spent of the shared cell moves along into its own.
///
/// Goals: a known tenant costs two cache lines and its buckets' exchanges. Whatever threads do at the same time, no tenant
/// gets a token more than its quota; where they meet, a token may be charged twice, which is the strict side. Held by
/// TenantTableTests.
final class TenantTable: Sendable {
    static let tenantsMaxDefault = 131_072
    private static let ways = 8
    private static let cells = TenantTable.ways
    private static let shared = TenantTable.cells + TenantTable.ways * QuotaWord.count
    private static let busy = TenantTable.shared + QuotaWord.count
    private static let wordsPerSet = 40
    /// Hash words: 0 marks an unused cell, 1 one that is being handed on.
    private static let handedOn: UInt64 = 1

    /// Memory per tenant.
    static let bytesPerTenant = TenantTable.wordsPerSet * MemoryLayout<UInt64>.size / TenantTable.ways

    private let setsCount: Int
    private let hash: KeyedHash
    private let words: AtomicWords

    /// - Parameters:
    ///   - tenantsMax: cells in the table, rounded up to a power of two; 40 bytes each.
    ///   - seed: secret, so that nobody can choose tenants that collide.
    init(tenantsMax: Int = TenantTable.tenantsMaxDefault, seed: UInt64) {
        precondition(tenantsMax >= Self.ways && tenantsMax <= 1 << 24)
        precondition(Self.busy < Self.wordsPerSet)
        var sets = 1
        while sets * Self.ways < tenantsMax { sets *= 2 }
        self.setsCount = sets
        self.hash = KeyedHash(seed: seed)
        self.words = AtomicWords(count: sets * Self.wordsPerSet)
    }

    /// Takes what the request asks for of `tenant`; nil when it is taken.
    @inline(__always)
    func take(tenant: UInt128, _ quota: QuotaRules, _ request: QuotaRequest) -> AdmissionRefusal? {
        let hash = self.hash(tenant, reserved: Self.handedOn + 1)
        let base = self.base(of: hash)
        while true {
            let way = self.way(of: hash, base)
            guard let way = way >= 0 ? way : self.settle(hash, base, request) else {
                let refusal = self.words.take(base + Self.shared, quota, request)
                // The tenant may have got a cell in between, without this charge.
                guard self.way(of: hash, base) < 0 else { continue }
                return refusal
            }
            let refusal = self.words.take(self.cell(way, base), quota, request)
            // Somebody may have evicted the tenant in between. Its tokens were then charged to a stranger, which is the
            // strict side; this one is asked for again.
            guard self.words[base + way].load(ordering: .sequentiallyConsistent) == hash else { continue }
            return refusal
        }
    }

    /// Tokens for requests to come, from a cell of the tenant's own; false when none are taken.
    func takeAhead(tenant: UInt128, _ quota: QuotaRules, tokens: Int, nowNanoseconds: UInt64) -> Bool {
        let hash = self.hash(tenant, reserved: Self.handedOn + 1)
        let base = self.base(of: hash)
        let way = self.way(of: hash, base)
        guard way >= 0,
            self.words.takeAhead(self.cell(way, base), quota, tokens: tokens, nowNanoseconds: nowNanoseconds)
        else { return false }
        // As in `take`: from a cell that has been handed on nothing may be spent.
        return self.words[base + way].load(ordering: .sequentiallyConsistent) == hash
    }

    /// Gives back what `take` or `takeAhead` granted at the request's time. What came from a shared cell stays spent, and a cell
    /// that somebody else has had in between is not credited: it was handed on without debt, when all of it had come back
    /// by itself.
    func refund(tenant: UInt128, _ quota: QuotaRules, _ request: QuotaRequest, clock: () -> UInt64) {
        guard let cell = self.cell(of: tenant) else { return }
        self.words.refund(cell, quota, request, clock: clock)
    }

    // MARK: Changes of policy

    /// The quota of all tenants changes: their debts stay what they are in tokens.
    func rescale(from old: TenantQuota, to new: TenantQuota, nowNanoseconds: UInt64) {
        for set in 0..<self.setsCount {
            let base = set * Self.wordsPerSet
            // Nobody hands a debt of the old rate on meanwhile.
            while self.words[base + Self.busy].exchange(1, ordering: .acquiring) != 0 {}
            defer { self.words[base + Self.busy].store(0, ordering: .releasing) }
            for cell in stride(from: base + Self.cells, through: base + Self.shared, by: QuotaWord.count) {
                self.words.rescale(cell, from: old, to: new, nowNanoseconds: nowNanoseconds)
            }
        }
    }

    /// Moves what `tenant` owes here into a cell of its own under `quota`; what it owes here stays, until it has come back.
    func copyDebt(
        of tenant: UInt128, _ old: TenantQuota, into words: borrowing AtomicWords, _ cell: Int, _ quota: TenantQuota,
        nowNanoseconds: UInt64
    ) {
        guard let own = self.cell(of: tenant) else { return }
        // Another word by a tick, so that nobody who has looked at the old one takes from what has moved.
        for word in [QuotaWord.requests, QuotaWord.bytes] {
            let (debt, _) = self.words[own + word].wrappingAdd(1, ordering: .sequentiallyConsistent)
            words[cell + word].store(debt, ordering: .relaxed)
        }
        let day = self.words[own + QuotaWord.day].load(ordering: .relaxed)
        words[cell + QuotaWord.day].store(day, ordering: .relaxed)
        words.rescale(cell, from: old, to: quota, nowNanoseconds: nowNanoseconds)
    }

    /// Charges `tenant` with what it owes in a cell of its own under `old`.
    func chargeDebt(
        of tenant: UInt128, in words: borrowing AtomicWords, _ cell: Int, _ old: TenantQuota, _ quota: TenantQuota,
        nowNanoseconds: UInt64, day: UTCDay
    ) {
        let hash = self.hash(tenant, reserved: Self.handedOn + 1)
        let base = self.base(of: hash)
        let request = QuotaRequest(tokens: 0, bytes: 0, nowNanoseconds: nowNanoseconds, day: day)
        let way = self.way(of: hash, base)
        let found = way >= 0 ? way : self.settle(hash, base, request)
        words.rescale(cell, from: old, to: quota, nowNanoseconds: nowNanoseconds)
        for word in [QuotaWord.requests, QuotaWord.bytes] {
            words[cell + word].wrappingAdd(1, ordering: .sequentiallyConsistent)
        }
        // Those of a set that is full owe it together.
        let target = found.map { self.cell($0, base) } ?? base + Self.shared
        Debts(words, cell).charge(self.words, target, since: Debts(), request)
    }

    // MARK: Cells

    @inline(__always)
    private func base(of hash: UInt64) -> Int {
        (Int(truncatingIfNeeded: hash >> 32) & (self.setsCount - 1)) * Self.wordsPerSet
    }

    @inline(__always)
    private func cell(_ way: Int, _ base: Int) -> Int { base + Self.cells + way * QuotaWord.count }

    /// Nil when the tenant has none of its own.
    private func cell(of tenant: UInt128) -> Int? {
        let hash = self.hash(tenant, reserved: Self.handedOn + 1)
        let base = self.base(of: hash)
        let way = self.way(of: hash, base)
        return way < 0 ? nil : self.cell(way, base)
    }

    /// -1 when the tenant has none.
    @inline(__always)
    private func way(of hash: UInt64, _ base: Int) -> Int {
        let likely = Int(truncatingIfNeeded: hash) & (Self.ways - 1)
        if self.words[base + likely].load(ordering: .sequentiallyConsistent) == hash { return likely }
        for way in 0..<Self.ways where self.words[base + way].load(ordering: .sequentiallyConsistent) == hash {
            return way
        }
        return -1
    }

    /// Hands an unused cell, or one without debt, to the tenant; nil when there is none. One thread at a time in a set, and
    /// another that comes meanwhile goes without.
    private func settle(_ hash: UInt64, _ base: Int, _ request: QuotaRequest) -> Int? {
        let busy = self.words[base + Self.busy].exchange(1, ordering: .acquiring)
        guard busy == 0 else { return nil }
        defer { self.words[base + Self.busy].store(0, ordering: .releasing) }
        let known = self.way(of: hash, base)
        guard known < 0 else { return known }
        for step in 0..<Self.ways {
            // Where it is looked for first, if that is free.
            let way = (Int(truncatingIfNeeded: hash) + step) & (Self.ways - 1)
            let owner = self.words[base + way].load(ordering: .relaxed)
            let cell = self.cell(way, base)
            guard owner == 0 || !Debts(self.words, cell).exist(request) else { continue }
            let before = Debts(self.words, base + Self.shared)
            // From here on the owner's threads see that the cell is theirs no more; one that has charged it before is seen here.
            self.words[base + way].store(Self.handedOn, ordering: .sequentiallyConsistent)
            let isFree = owner == 0 || !Debts(self.words, cell).exist(request)
            if isFree { before.store(self.words, cell) }
            self.words[base + way].store(isFree ? hash : owner, ordering: .sequentiallyConsistent)
            // Who found no cell until now has charged the shared one: seen here, or it sees the cell and asks again.
            Debts(self.words, base + Self.shared).charge(self.words, cell, since: before, request)
            if isFree { return way }
        }
        return nil
    }
}

/// A copy of a cell's words.
private struct Debts {
    var requests: UInt64 = 0
    var bytes: UInt64 = 0
    var day: UInt64 = 0

    init() {}

    init(_ words: borrowing AtomicWords, _ cell: Int) {
        self.requests = words[cell + QuotaWord.requests].load(ordering: .sequentiallyConsistent)
        self.bytes = words[cell + QuotaWord.bytes].load(ordering: .sequentiallyConsistent)
        self.day = words[cell + QuotaWord.day].load(ordering: .sequentiallyConsistent)
    }

    /// False when a new cell would say the same.
    func exist(_ request: QuotaRequest) -> Bool {
        let now = GCRA.ticks(request.nowNanoseconds)
        return GCRA.debt(self.requests, nowTicks: now) > 0 || GCRA.debt(self.bytes, nowTicks: now) > 0
            || DayCount.count(self.day, on: request.day) > 0
    }

    func store(_ words: borrowing AtomicWords, _ cell: Int) {
        words[cell + QuotaWord.requests].store(self.requests, ordering: .sequentiallyConsistent)
        words[cell + QuotaWord.bytes].store(self.bytes, ordering: .sequentiallyConsistent)
        words[cell + QuotaWord.day].store(self.day, ordering: .sequentiallyConsistent)
    }

    /// Charges a cell with what these debts are more than `before`.
    func charge(_ words: borrowing AtomicWords, _ cell: Int, since before: Debts, _ request: QuotaRequest) {
        let now = GCRA.ticks(request.nowNanoseconds)
        func more(_ word: UInt64, _ before: UInt64) -> UInt64 {
            let debt = GCRA.debt(word, nowTicks: now)
            return debt - min(debt, GCRA.debt(before, nowTicks: now))
        }
        words[cell + QuotaWord.requests].charge(
            ticks: more(self.requests, before.requests), nowNanoseconds: request.nowNanoseconds)
        words[cell + QuotaWord.bytes].charge(
            ticks: more(self.bytes, before.bytes), nowNanoseconds: request.nowNanoseconds)
        let count = DayCount.count(self.day, on: request.day)
        words[cell + QuotaWord.day].chargeToDay(
            request.day, requests: count - min(count, DayCount.count(before.day, on: request.day)))
    }
}
