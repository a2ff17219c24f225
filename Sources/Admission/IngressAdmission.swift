internal import Synchronization

/// What all workers admit against: the buckets, which outlive every policy, and the concurrency limit. Any thread.
///
/// A worker holds an `AdmissionSnapshot` and asks that one; here is where snapshots come from.
@safe public final class IngressAdmission: Sendable {
    public let concurrency: ConcurrencyLimit
    private let state: Mutex<State>
    /// Of the first policy: what `admit` begins with.
    private let first: Unmanaged<AdmissionSnapshot>

    /// - Parameters:
    ///   - tenantsMax: tenants without a name that are told apart at once, rounded up to a power of two; 40 bytes each, and
    ///     none while no default quota is set.
    ///   - seed: secret, so that nobody can choose tenants that collide.
    public init(_ policy: AdmissionPolicy, tenantsMax: Int = 131_072, seed: UInt64 = .random(in: .min ... .max)) {
        self.concurrency = ConcurrencyLimit(openMax: policy.openMax, criticalReserve: policy.criticalReserve)
        let state = State(policy, tenantsMax: tenantsMax, seed: seed)
        unsafe self.first = .passRetained(state.snapshot)
        self.state = Mutex(state)
    }

    deinit {
        unsafe self.first.release()
        self.state.withLock { $0.retire() }
    }

    /// The most memory that the tables of tenants, of names and of source addresses take together, once they were needed.
    public static let tableBytesMax =
        TenantTable.tenantsMaxDefault * TenantTable.bytesPerTenant
        + 2 * AdmissionPolicy.namedTenantsMax * AtomicWords.lineBytes
        + SourceTable.addressesMaxDefault * SourceTable.bytesPerAddress

    /// That of the newest policy.
    public var snapshot: AdmissionSnapshot { self.state.withLock { $0.snapshot } }

    /// Connections that are counted for their source addresses. Looks at the whole table: for leak checks, not for a scrape.
    public var sourceSeatsTaken: Int { self.state.withLock { $0.sources?.openTotal ?? 0 } }

    /// Makes `policy` the newest and returns its snapshot, for each worker to take between two turns. What buckets owe stays
    /// owed, in tokens, at most the new burst, and a lowered limit cancels nothing; a tenant that gets or loses a name takes
    /// along what it owes. From then on no bucket counts by an older rate: a worker that has not taken the new snapshot yet is
    /// sent on to it for tokens, and what it has taken ahead stays spent. What was not limited before is from the worker's next
    /// turn on.
    ///
    /// - Parameters:
    ///   - policy: within the bounds that its fields state; traps otherwise.
    ///   - nowNanoseconds: of the monotonic clock.
    ///   - day: of `nowNanoseconds`.
    public func adopt(_ policy: AdmissionPolicy, nowNanoseconds: UInt64, day: UTCDay) -> AdmissionSnapshot {
        self.state.withLock { state in
            let snapshot = state.adopt(policy, nowNanoseconds: nowNanoseconds, day: day)
            self.concurrency.configure(openMax: policy.openMax, criticalReserve: policy.criticalReserve)
            return snapshot
        }
    }
}

extension IngressAdmission {
    /// What the newest policy is made of.
    private struct State {
        private(set) var snapshot: AdmissionSnapshot
        private let shared = SharedQuotas()
        private let tenantsMax: Int
        private let seed: UInt64
        /// Kept once they were needed.
        private var tenants: TenantTable?
        private var namedWords: NamedTenantWords?
        private var namedCells = NamedTenantCells()
        private(set) var sources: SourceTable?

        init(_ policy: AdmissionPolicy, tenantsMax: Int, seed: UInt64) {
            self.tenantsMax = tenantsMax
            self.seed = seed
            let none = NamedTenants([], cells: [], seed: seed, QuotaEdition())
            self.snapshot = AdmissionSnapshot(
                AdmissionPolicy(), epoch: 0, shared: self.shared, edition: QuotaEdition(), tenants: nil, named: none,
                namedWords: nil,
                sources: nil)
            _ = self.adopt(policy, nowNanoseconds: 0, day: UTCDay(unixNanoseconds: 0, nowNanoseconds: 0))
        }

        mutating func adopt(_ policy: AdmissionPolicy, nowNanoseconds: UInt64, day: UTCDay) -> AdmissionSnapshot {
            Self.check(policy)
            self.snapshot = self.shared.change(changesQuotas: Self.quotasDiffer(self.snapshot.policy, policy)) {
                edition in
                self.follow(policy, edition, nowNanoseconds: nowNanoseconds, day: day)
            }
            return self.snapshot
        }

        /// Whether any bucket's rate, or a tenant's bucket, is another one.
        private static func quotasDiffer(_ old: AdmissionPolicy, _ new: AdmissionPolicy) -> Bool {
            old.global != new.global || old.tenantDefault != new.tenantDefault || old.tenants != new.tenants
                || old.source != new.source
        }

        /// Rescales all buckets from the present policy to `policy`.
        private mutating func follow(
            _ policy: AdmissionPolicy, _ edition: QuotaEdition, nowNanoseconds: UInt64, day: UTCDay
        ) -> AdmissionSnapshot {
            let old = self.snapshot.policy
            self.shared.global.value.rescale(from: old.global, to: policy.global, nowNanoseconds: nowNanoseconds)
            if self.tenants == nil, !policy.tenantDefault.limitsNothing {
                self.tenants = TenantTable(tenantsMax: self.tenantsMax, seed: self.seed)
            }
            if self.namedWords == nil, !policy.tenants.isEmpty { self.namedWords = NamedTenantWords() }
            if self.sources == nil, policy.source != SourceLimits() { self.sources = SourceTable(seed: self.seed) }
            self.sources?.rescale(
                from: old.source.handshakes, to: policy.source.handshakes, nowNanoseconds: nowNanoseconds)
            // A tenant with a new name takes along what it owes by the old default quota; one without its name any more
            // owes by the new one.
            let cells = self.name(policy.tenants, old, nowNanoseconds: nowNanoseconds)
            if let tenants = self.tenants, old.tenantDefault != policy.tenantDefault {
                tenants.rescale(from: old.tenantDefault, to: policy.tenantDefault, nowNanoseconds: nowNanoseconds)
            }
            self.releaseNames(of: old.tenants, policy, nowNanoseconds: nowNanoseconds, day: day)
            return AdmissionSnapshot(
                policy, epoch: self.snapshot.epoch + 1, shared: self.shared, edition: edition, tenants: self.tenants,
                named: NamedTenants(policy.tenants, cells: cells, seed: self.seed, edition),
                namedWords: self.namedWords, sources: self.sources)
        }

        /// No policy follows any more.
        func retire() { self.shared.retire() }

        /// The cell of each tenant, with what it owes under its new quota.
        private mutating func name(
            _ tenants: [NamedTenant], _ old: AdmissionPolicy, nowNanoseconds: UInt64
        ) -> [Int] {
            guard let words = self.namedWords else { return [] }
            let quotas = Dictionary(old.tenants.map { ($0.tenant, $0.quota) }) { first, _ in first }
            return tenants.map { tenant in
                let cell = self.namedCells.cell(of: tenant.tenant)
                if let quota = quotas[tenant.tenant] {
                    words.words.rescale(cell, from: quota, to: tenant.quota, nowNanoseconds: nowNanoseconds)
                } else {
                    words.words.clear(cell)
                    self.tenants?.copyDebt(
                        of: tenant.tenant, old.tenantDefault, into: words.words, cell, tenant.quota,
                        nowNanoseconds: nowNanoseconds)
                }
                return cell
            }
        }

        private mutating func releaseNames(
            of tenants: [NamedTenant], _ policy: AdmissionPolicy, nowNanoseconds: UInt64, day: UTCDay
        ) {
            guard let words = self.namedWords else { return }
            let kept = Set(policy.tenants.map(\.tenant))
            for tenant in tenants where !kept.contains(tenant.tenant) {
                self.tenants?.chargeDebt(
                    of: tenant.tenant, in: words.words, self.namedCells.cell(of: tenant.tenant), tenant.quota,
                    policy.tenantDefault, nowNanoseconds: nowNanoseconds, day: day)
                self.namedCells.release(tenant.tenant)
            }
        }

        private static func check(_ policy: AdmissionPolicy) {
            precondition(policy.openMax > 0 && policy.inflightPerConnectionMax > 0)
            precondition(policy.criticalReserve >= 0 && policy.criticalReserve < policy.openMax)
            precondition(policy.tenants.count <= AdmissionPolicy.namedTenantsMax)
        }
    }
}

// MARK: The core's entrance by one policy

extension IngressAdmission {
    public convenience init(
        openMax: Int, inflightPerConnectionMax: Int, connectionRate: TokenRate? = nil, tenantRate: TokenRate? = nil,
        globalRate: TokenRate? = nil
    ) {
        var policy = AdmissionPolicy()
        policy.openMax = openMax
        policy.inflightPerConnectionMax = inflightPerConnectionMax
        policy.connection = connectionRate
        policy.tenantDefault.requests = tenantRate
        policy.global = globalRate
        self.init(policy)
    }

    public var inflightPerConnectionMax: Int {
        unsafe self.first._withUnsafeGuaranteedRef { $0.policy.inflightPerConnectionMax }
    }
    public var connectionRate: TokenRate? { unsafe self.first._withUnsafeGuaranteedRef { $0.policy.connection } }

    /// The newest quotas, one token a request, and the concurrency limit.
    ///
    /// - Parameter held: the permit of the request, once it is admitted: the one that the caller had in it already,
    ///   such as that of a request which is answered, or a new one. Untouched by a refusal.
    /// - Returns: nil when the request is admitted.
    public func admit(
        tenant: UInt128, openOnConnection: Int, nowNanoseconds: UInt64, held: inout Permit?
    ) -> AdmissionRefusal? {
        unsafe self.first._withUnsafeGuaranteedRef { snapshot in
            let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: 0)
            switch snapshot.takeQuota(
                tenant: tenant, tokens: 1, bytes: 0, openOnConnection: openOnConnection, nowNanoseconds: nowNanoseconds,
                day: day)
            {
            case .refused(let why): return why
            case .taken: break
            }
            if held == nil { held = self.concurrency.acquire() }
            guard held == nil else { return nil }
            snapshot.refundQuota(
                tenant: tenant, tokens: 1, bytes: 0, takenNanoseconds: nowNanoseconds, nowNanoseconds: nowNanoseconds,
                day: day)
            return .concurrency
        }
    }
}
