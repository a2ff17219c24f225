public import Admission
internal import Synchronization

/// Holds quotas against their promise: two threads spend one bucket at random costs and times, every grant is kept with its
/// instant, and every window is looked at. Used by the tests with few operations and by `admission-proof` with many.
public struct AdmissionProof: Sendable {
    /// What is spent.
    public enum Target: String, CaseIterable, Sendable {
        /// The gateway's own bucket.
        case bucket
        /// A tenant of the table.
        case tenant
        /// A tenant with a quota of its own.
        case named
        /// A tenant of the table as two workers' turns see it, who take tokens ahead and give back what is left.
        case turns
    }

    /// Tokens offered, as a multiple of the rate.
    public static let offeredMultiples = [0.5, 0.9, 1, 1.1, 2, 10, 100]
    /// A multiple of 2^-20 tokens a second, so that the check rounds nothing.
    public static let rate = TokenRate(tokensPerSecond: 1_000_000, burst: 2000)

    public let target: Target
    public let offeredMultiple: Double
    public private(set) var operations = 0
    public private(set) var tokensOffered = 0
    public private(set) var tokensGranted = 0
    /// Grants that end a window with more than its bound.
    public private(set) var violations = 0
    /// How often the time of one thread's grant lies between two of the other: 0 if they did not run at the same time.
    public private(set) var interleavings = 0
    private var windows = WindowBound(AdmissionProof.rate)
    private var nowNanoseconds = AdmissionProof.startNanoseconds

    private static let startNanoseconds: UInt64 = 1_000_000_000
    private static let tokensMax: UInt64 = 3
    private static let requestsPerTurnMax: UInt64 = 64
    private static let batchOperations = 500_000

    /// Granted by what the rate allows of what was offered: the burst and what came back since, or all of it.
    public var ratio: Double {
        let seconds = Double(self.nowNanoseconds - Self.startNanoseconds) / 1e9
        let allowed = Double(Self.rate.burst) + Self.rate.tokensPerSecond * seconds
        return Double(self.tokensGranted) / min(Double(self.tokensOffered), allowed)
    }

    /// - Parameters:
    ///   - operations: how many times the threads ask.
    ///   - seed: of costs and times; which thread comes first is the machine's.
    public static func run(
        _ target: Target, offeredMultiple: Double, operations: Int, seed: UInt64
    ) async -> AdmissionProof {
        var proof = AdmissionProof(target: target, offeredMultiple: offeredMultiple)
        let quota = SpentQuota(target)
        var random = SeededGenerator(seed: seed)
        while proof.operations < operations {
            let count = min(Self.batchOperations, operations - proof.operations)
            await proof.spend(quota, count, &random)
        }
        return proof
    }

    private init(target: Target, offeredMultiple: Double) {
        self.target = target
        self.offeredMultiple = offeredMultiple
    }

    /// What one thread has asked for and got.
    private struct Spent: Sendable {
        var tokensOffered = 0
        /// In the order of their instants.
        var grants: [(nowNanoseconds: UInt64, tokens: Int)] = []
    }

    private mutating func spend(_ quota: SpentQuota, _ count: Int, _ random: inout SeededGenerator) async {
        let clock = SharedClock(self.nowNanoseconds)
        let perToken = 1e9 / (Self.rate.tokensPerSecond * self.offeredMultiple)
        let stepMax = UInt64(perToken * Double(Self.tokensMax + 1)) + 1
        let seeds = (random.next(), random.next())
        async let first = Self.spend(quota, clock, stepMax, count / 2, SeededGenerator(seed: seeds.0))
        async let second = Self.spend(quota, clock, stepMax, count - count / 2, SeededGenerator(seed: seeds.1))
        let (a, b) = await (first, second)
        self.operations += count
        self.tokensOffered += a.tokensOffered + b.tokensOffered
        self.nowNanoseconds = clock.now.load(ordering: .relaxed)
        self.check(a.grants, b.grants)
    }

    /// Two lists in the order of time, as one.
    private mutating func check(
        _ a: [(nowNanoseconds: UInt64, tokens: Int)], _ b: [(nowNanoseconds: UInt64, tokens: Int)]
    ) {
        var (i, j) = (0, 0)
        var wasFirst = true
        while i < a.count || j < b.count {
            let isFirst = j == b.count || (i < a.count && a[i].nowNanoseconds <= b[j].nowNanoseconds)
            let grant = isFirst ? a[i] : b[j]
            if isFirst { i += 1 } else { j += 1 }
            if isFirst != wasFirst { self.interleavings += 1 }
            wasFirst = isFirst
            self.tokensGranted += grant.tokens
            if !self.windows.admit(grant.tokens, at: grant.nowNanoseconds) { self.violations += 1 }
        }
    }

    private static func spend(
        _ quota: SpentQuota, _ clock: SharedClock, _ stepMax: UInt64, _ count: Int, _ seeded: SeededGenerator
    ) async -> Spent {
        var random = seeded
        var spent = Spent()
        spent.grants.reserveCapacity(count)
        var accounts = TurnAccounts()
        var left = count
        while left > 0 {
            let requests = quota.target == .turns ? min(left, 1 + Int(random.next() % Self.requestsPerTurnMax)) : 1
            left -= requests
            // All that arrives in a turn arrives at once.
            let words = (0..<requests).map { _ in random.next() }
            let step = words.reduce(0) { $0 + ($1 >> 32) % stepMax }
            let now = clock.now.add(step, ordering: .sequentiallyConsistent).newValue
            for word in words {
                let tokens = 1 + Int(word % Self.tokensMax)
                spent.tokensOffered += tokens
                if quota.take(tokens, now, &accounts) { spent.grants.append((now, tokens)) }
            }
            quota.end(&accounts) { clock.now.load(ordering: .sequentiallyConsistent) }
        }
        return spent
    }
}

/// The time of both threads, which their questions advance.
private final class SharedClock: Sendable {
    let now: Atomic<UInt64>

    init(_ nowNanoseconds: UInt64) { self.now = Atomic(nowNanoseconds) }
}

/// The quota under proof.
private final class SpentQuota: Sendable {
    let target: AdmissionProof.Target
    private let bucket = TokenBucket(rate: AdmissionProof.rate)
    private let quotas: AdmissionSnapshot
    private let activity = TenantActivity(seed: 1)
    private let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: 0)

    init(_ target: AdmissionProof.Target) {
        self.target = target
        var policy = AdmissionPolicy()
        switch target {
        case .bucket: break
        case .tenant, .turns: policy.tenantDefault.requests = AdmissionProof.rate
        case .named:
            let quota = TenantQuota(requests: AdmissionProof.rate)
            policy.tenants = [NamedTenant(tenant: 7, name: "seven", quota: quota)]
        }
        self.quotas = IngressAdmission(policy, tenantsMax: 1024).snapshot
    }

    func take(_ tokens: Int, _ nowNanoseconds: UInt64, _ accounts: inout TurnAccounts) -> Bool {
        switch self.target {
        case .bucket: self.bucket.take(tokens: tokens, nowNanoseconds: nowNanoseconds) == .admitted
        case .tenant, .named:
            self.quotas.takeQuota(
                tenant: 7, tokens: tokens, bytes: 0, openOnConnection: 0, nowNanoseconds: nowNanoseconds, day: self.day)
                == .taken(isCritical: false)
        case .turns:
            accounts.takeQuota(
                tenant: 7, tokens: tokens, bytes: 0, openOnConnection: 0, nowNanoseconds: nowNanoseconds, day: self.day,
                from: self.quotas) == .taken(isCritical: false)
        }
    }

    /// The end of a turn.
    func end(_ accounts: inout TurnAccounts, clock: () -> UInt64) {
        accounts.end(from: self.quotas, in: self.activity, clock: clock)
    }
}
