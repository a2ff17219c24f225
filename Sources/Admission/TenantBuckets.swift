internal import Synchronization

/// A bucket per tenant in fixed memory, all at one default rate. Shared by all workers; any thread; never locks.
///
/// Tenants are found by a keyed 64-bit hash in sets of eight. A tenant without a bucket gets an unused one or one
/// that is full again, since a full bucket says the same as a new one: eviction grants nothing. When all eight are in
/// debt, the set's tenants without a bucket share one more, so that a flood of invented tenants limits itself and
/// never the table.
public final class TenantBuckets: Sendable {
    public let rate: TokenRate
    private let setsCount: Int
    private let seed: UInt64
    private let words: AtomicWords

    private static let ways = 8
    /// Eight pairs of (hash, arrival) and the shared arrival with its padding: 144 bytes.
    private static let wordsPerSet = 2 * TenantBuckets.ways + 2

    /// - Parameters:
    ///   - tenantsMax: buckets in the table, rounded up to a power of two; 18 bytes each.
    ///   - seed: secret, so that nobody can choose tenants that collide.
    public init(rate: TokenRate, tenantsMax: Int = 131_072, seed: UInt64 = .random(in: .min ... .max)) {
        precondition(tenantsMax >= Self.ways && tenantsMax <= 1 << 24)
        self.rate = rate
        var sets = 1
        while sets * Self.ways < tenantsMax { sets *= 2 }
        self.setsCount = sets
        self.seed = seed
        self.words = AtomicWords(count: sets * Self.wordsPerSet)
    }

    /// Takes one token of `tenant` at `nowNanoseconds`.
    public func take(tenant: UInt128, nowNanoseconds: UInt64) -> TokenDecision {
        let hash = self.hash(of: tenant)
        while true {
            let cell = self.cell(for: hash, nowNanoseconds: nowNanoseconds)
            let decision = self.takeToken(cell.arrival, nowNanoseconds: nowNanoseconds)
            // Somebody may have evicted the tenant in between. Its token was then charged to a stranger, which is the
            // strict side; this one is asked for again.
            guard let owner = cell.owner, self.words.load(owner) != hash else { return decision }
        }
    }

    /// Gives back a token that `take` granted. One that came from the shared bucket stays spent, and a bucket that somebody
    /// else has had in between is never credited below its start.
    public func refund(tenant: UInt128) {
        let hash = self.hash(of: tenant)
        let base = self.base(of: hash)
        for way in 0..<Self.ways where self.words.load(base + 2 * way) == hash {
            let index = base + 2 * way + 1
            let interval = self.rate.intervalNanoseconds
            while true {
                let seen = self.words.load(index)
                guard seen >= interval else { return }
                if self.words.exchange(index, expected: seen, desired: seen - interval) { return }
            }
        }
    }

    private func base(of hash: UInt64) -> Int {
        (Int(truncatingIfNeeded: hash >> 32) & (self.setsCount - 1)) * Self.wordsPerSet
    }

    /// Indices of the hash word (nil for the shared bucket) and of the arrival word.
    private func cell(for hash: UInt64, nowNanoseconds: UInt64) -> (owner: Int?, arrival: Int) {
        let base = self.base(of: hash)
        for way in 0..<Self.ways where self.words.load(base + 2 * way) == hash {
            return (base + 2 * way, base + 2 * way + 1)
        }
        let shared = base + 2 * Self.ways
        for way in 0..<Self.ways {
            let owner = base + 2 * way
            let seen = self.words.load(owner)
            let arrival = self.words.load(owner + 1)
            guard seen == 0 || arrival <= nowNanoseconds else { continue }
            // The newcomer may have spent from the shared bucket: its debt moves along, before anybody can spend here.
            let debt = self.words.load(shared)
            if debt > nowNanoseconds, !self.words.exchange(owner + 1, expected: arrival, desired: debt) { continue }
            if self.words.exchange(owner, expected: seen, desired: hash) { return (owner, owner + 1) }
            if self.words.load(owner) == hash { return (owner, owner + 1) }
        }
        return (nil, shared)
    }

    private func takeToken(_ index: Int, nowNanoseconds: UInt64) -> TokenDecision {
        while true {
            let seen = self.words.load(index)
            let (next, decision) = GCRA.take(seen, self.rate, now: nowNanoseconds)
            guard case .admitted = decision else { return decision }
            if self.words.exchange(index, expected: seen, desired: next) { return .admitted }
        }
    }

    /// Never 0, which marks an unused bucket. Two rounds of the splitmix64 finaliser (Steele, Lea, Flood 2014),
    /// keyed.
    private func hash(of tenant: UInt128) -> UInt64 {
        func mix(_ value: UInt64) -> UInt64 {
            var word = value
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        let low = UInt64(truncatingIfNeeded: tenant)
        let high = UInt64(truncatingIfNeeded: tenant >> 64)
        return max(1, mix(mix(low ^ self.seed) &+ high ^ (self.seed << 1)))
    }
}

/// A fixed number of atomic words, zero at first.
@safe final class AtomicWords: Sendable {
    /// `count` initialised atomics, owned; the pointer never changes.
    private nonisolated(unsafe) let start: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    init(count: Int) {
        self.count = count
        unsafe self.start = .allocate(capacity: count)
        for index in 0..<count { unsafe (self.start + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe self.start.deinitialize(count: self.count)
        unsafe self.start.deallocate()
    }

    func load(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < self.count)
        return unsafe self.start[index].load(ordering: .relaxed)
    }

    func exchange(_ index: Int, expected: UInt64, desired: UInt64) -> Bool {
        precondition(index >= 0 && index < self.count)
        return unsafe self.start[index].compareExchange(
            expected: expected, desired: desired, ordering: .relaxed
        ).exchanged
    }
}
