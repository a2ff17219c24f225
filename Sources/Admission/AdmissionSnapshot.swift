internal import Synchronization

/// One policy at work: what a worker holds and asks for each request, until it takes the next one between two turns. Immutable,
/// but for the buckets that it points to, which all snapshots of a gateway share. Any thread.
///
/// Nothing is allocated and no reference is counted per request.
@safe public final class AdmissionSnapshot: Sendable {
    public let policy: AdmissionPolicy
    /// Counts the policies of a gateway, from 1.
    public let epoch: Int
    /// Whether `connect` may refuse anybody: otherwise no source address need be known.
    public let limitsSources: Bool

    @usableFromInline let connectionRate: TokenRate?
    @usableFromInline let inflightPerConnectionMax: Int
    private let defaultIsCritical: Bool
    private let globalRate: TokenRate?
    private let edition: QuotaEdition
    private let named: NamedTenants
    private let hasNames: Bool
    /// Owned, and used without counting references, which would be the dearest part of admission: a tenth of a pipelined
    /// request's cost. The table is nil when the default quota limits nothing, the words while there has never been a name.
    private let shared: Unmanaged<SharedQuotas>
    private let defaultRules: Unmanaged<QuotaRules>
    private let tenants: Unmanaged<TenantTable>?
    private let namedWords: Unmanaged<NamedTenantWords>?
    /// Nil while no source has ever been limited.
    private let sources: SourceTable?

    init(
        _ policy: AdmissionPolicy, epoch: Int, shared: SharedQuotas, edition: QuotaEdition, tenants: TenantTable?,
        named: NamedTenants, namedWords: NamedTenantWords?, sources: SourceTable?
    ) {
        self.policy = policy
        self.epoch = epoch
        self.connectionRate = policy.connection
        self.inflightPerConnectionMax = policy.inflightPerConnectionMax
        self.defaultIsCritical = policy.tenantDefault.isCritical
        self.globalRate = policy.global
        self.edition = edition
        self.named = named
        self.hasNames = !named.isEmpty
        unsafe self.shared = .passRetained(shared)
        unsafe self.defaultRules = .passRetained(QuotaRules(policy.tenantDefault, edition))
        unsafe self.tenants = policy.tenantDefault.limitsNothing ? nil : tenants.map { unsafe .passRetained($0) }
        unsafe self.namedWords = namedWords.map { unsafe .passRetained($0) }
        self.limitsSources = sources != nil && policy.source != SourceLimits()
        self.sources = sources
    }

    deinit {
        unsafe self.shared.release()
        unsafe self.defaultRules.release()
        unsafe self.tenants?.release()
        unsafe self.namedWords?.release()
    }

    /// Goes up with each change of quotas, and wraps around: two policies with the same one count by the same rates, and only
    /// what was taken by one may be given back by the other.
    public var quotaEdition: Int32 { self.edition.id }

    /// By whose rates the buckets count, when it is not by this one's: for a worker that has not taken it yet, in the middle of a
    /// turn. Nil as well when the gateway's admission is gone.
    private var successor: AdmissionSnapshot? {
        @inline(__always) get { self.edition.isNewest ? nil : self.newest }
    }

    private var newest: AdmissionSnapshot? {
        @inline(never) get { unsafe self.shared._withUnsafeGuaranteedRef { $0.newestSnapshot() } }
    }

    /// Whether any quota counts by the day: without one a worker need not know which day it is.
    public var countsDays: Bool {
        self.policy.tenantDefault.requestsPerDay != nil || self.named.countsDays
    }

    /// Cheapest refusal first: the connection's own count, the tenant's tokens, bytes and day, the gateway's tokens. What was
    /// taken on the way to a later refusal is given back.
    ///
    /// - Parameters:
    ///   - tokens: what the request costs by `policy.costs`; 0 or more.
    ///   - bytes: its frame as received.
    ///   - openOnConnection: requests open on its connection, without this one.
    ///   - nowNanoseconds: of the monotonic clock.
    ///   - day: of `nowNanoseconds`; does not matter unless `countsDays`.
    @inline(__always)
    public func takeQuota(
        tenant: UInt128, tokens: Int, bytes: Int, openOnConnection: Int, nowNanoseconds: UInt64, day: UTCDay
    ) -> QuotaDecision {
        guard openOnConnection < self.inflightPerConnectionMax else { return .refused(.tooManyInflight) }
        return self.take(
            tenant, QuotaRequest(tokens: tokens, bytes: bytes, nowNanoseconds: nowNanoseconds, day: day))
    }

    /// Gives back what `takeQuota` took at `takenNanoseconds` for a request that was then refused for another reason. Tokens
    /// that have had the time to come back by themselves are not given twice.
    public func refundQuota(
        tenant: UInt128, tokens: Int, bytes: Int, takenNanoseconds: UInt64, nowNanoseconds: UInt64, day: UTCDay
    ) {
        let request = QuotaRequest(tokens: tokens, bytes: bytes, nowNanoseconds: takenNanoseconds, day: day)
        self.refundTenant(tenant, request) { nowNanoseconds }
        self.refundGlobal(request) { nowNanoseconds }
    }

    /// Whether requests of `tenant` may take the reserved permits; `takeQuota` tells it too.
    public func isCritical(_ tenant: UInt128) -> Bool {
        let index = self.hasNames ? self.named.index(of: tenant) : -1
        return index < 0 ? self.defaultIsCritical : self.named.isCritical(index)
    }

    /// Whether requests of `tenant` are the first to go under pressure: it has no name while others have one.
    public func isLowPriority(_ tenant: UInt128) -> Bool {
        self.hasNames && !self.defaultIsCritical && self.named.index(of: tenant) < 0
    }

    /// A frame of a connection, whose bucket its worker owns; nil when it is taken or frames are not limited.
    @inlinable @inline(__always)
    public func takeFrame(_ bucket: inout LocalTokenBucket, nowNanoseconds: UInt64) -> AdmissionRefusal? {
        guard let rate = self.connectionRate,
            case .refused(let retry) = bucket.take(rate, nowNanoseconds: nowNanoseconds)
        else { return nil }
        return .connectionQuota(retryAfterNanoseconds: retry)
    }

    // MARK: Sources

    /// A new connection from a source address: counted and its handshake taken, or neither. Any thread.
    ///
    /// - Parameters:
    ///   - address: the 16 bytes of an IPv6 address in network order, or of an IPv4 address mapped into one; IPv6 addresses
    ///     are told apart by their first 64 bits.
    ///   - nowNanoseconds: of the monotonic clock.
    /// - Returns: where it is counted, for `disconnected`; or why it is refused, cheapest check first.
    public func connect(from address: UInt128, nowNanoseconds: UInt64) -> SourceDecision {
        guard self.limitsSources, let sources = self.sources else { return .accepted(.none) }
        let decision = sources.connect(address, self.policy.source, self.edition, nowNanoseconds: nowNanoseconds)
        guard case .refused = decision, let successor = self.successor else { return decision }
        return successor.connect(from: address, nowNanoseconds: nowNanoseconds)
    }

    /// An accepted connection has ended: once for each seat, by any later snapshot of the same gateway too.
    public func disconnected(_ seat: SourceSeat) { self.sources?.disconnected(seat) }

    // MARK: Tenants

    func take(_ tenant: UInt128, _ request: QuotaRequest) -> QuotaDecision {
        if let refusal = self.takeOfTenant(tenant, request) { return .refused(refusal) }
        if let refusal = self.takeOfGlobal(request) {
            self.refundTenant(tenant, request) { request.nowNanoseconds }
            return .refused(refusal)
        }
        return .taken(isCritical: self.isCritical(tenant))
    }

    @inline(__always)
    func takeOfTenant(_ tenant: UInt128, _ request: QuotaRequest) -> AdmissionRefusal? {
        let index = self.hasNames ? self.named.index(of: tenant) : -1
        guard let refusal = index < 0 ? self.takeDefault(tenant, request) : self.takeNamed(index, request) else {
            return nil
        }
        guard let successor = self.successor else { return refusal }
        return successor.takeOfTenant(tenant, request)
    }

    /// Tokens for requests to come, while the tenant has many to spare and its quota counts nothing else; false when none are
    /// taken.
    func takeAhead(_ tenant: UInt128, tokens: Int, nowNanoseconds: UInt64) -> Bool {
        guard self.edition.isNewest else { return false }
        let index = self.hasNames ? self.named.index(of: tenant) : -1
        guard index < 0 else {
            guard let words = unsafe self.namedWords else { return false }
            return unsafe words._withUnsafeGuaranteedRef {
                self.named.takeAhead(index, $0, tokens: tokens, nowNanoseconds: nowNanoseconds)
            }
        }
        guard let tenants = unsafe self.tenants else { return true }
        return unsafe tenants._withUnsafeGuaranteedRef { table in
            unsafe self.defaultRules._withUnsafeGuaranteedRef {
                table.takeAhead(tenant: tenant, $0, tokens: tokens, nowNanoseconds: nowNanoseconds)
            }
        }
    }

    @inline(__always)
    private func takeDefault(_ tenant: UInt128, _ request: QuotaRequest) -> AdmissionRefusal? {
        guard let tenants = unsafe self.tenants else { return nil }
        return unsafe tenants._withUnsafeGuaranteedRef { table in
            unsafe self.defaultRules._withUnsafeGuaranteedRef { table.take(tenant: tenant, $0, request) }
        }
    }

    private func takeNamed(_ index: Int, _ request: QuotaRequest) -> AdmissionRefusal? {
        guard let words = unsafe self.namedWords else { return nil }
        return unsafe words._withUnsafeGuaranteedRef {
            self.named.take(index, $0, request)
        }
    }

    /// What was taken for the request, at its time.
    func refundTenant(_ tenant: UInt128, _ request: QuotaRequest, clock: () -> UInt64) {
        let index = self.hasNames ? self.named.index(of: tenant) : -1
        if index < 0 {
            unsafe self.tenants?._withUnsafeGuaranteedRef { table in
                unsafe self.defaultRules._withUnsafeGuaranteedRef {
                    table.refund(tenant: tenant, $0, request, clock: clock)
                }
            }
        } else {
            unsafe self.namedWords?._withUnsafeGuaranteedRef {
                self.named.refund(index, $0, request, clock: clock)
            }
        }
    }

    // MARK: The gateway's own bucket

    func takeOfGlobal(_ request: QuotaRequest) -> AdmissionRefusal? {
        guard let rate = self.globalRate,
            case .refused(let retry) = unsafe self.shared._withUnsafeGuaranteedRef({
                $0.global.value.take(
                    rate, of: self.edition, tokens: request.tokens, nowNanoseconds: request.nowNanoseconds)
            })
        else { return nil }
        guard let successor = self.successor else { return .globalQuota(retryAfterNanoseconds: retry) }
        return successor.takeOfGlobal(request)
    }

    /// Tokens for requests to come, while there are many to spare; false when none are taken.
    func takeGlobalAhead(tokens: Int, nowNanoseconds: UInt64) -> Bool {
        guard let rate = self.globalRate else { return self.edition.isNewest }
        return unsafe self.shared._withUnsafeGuaranteedRef {
            $0.global.value.takeAhead(rate, of: self.edition, tokens: tokens, nowNanoseconds: nowNanoseconds)
        }
    }

    func refundGlobal(_ request: QuotaRequest, clock: () -> UInt64) {
        guard let rate = self.globalRate else { return }
        unsafe self.shared._withUnsafeGuaranteedRef {
            $0.global.value.refund(
                rate, of: self.edition, tokens: request.tokens, takenNanoseconds: request.nowNanoseconds, clock: clock)
        }
    }
}
