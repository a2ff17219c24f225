/// The quotas as the requests of a worker's turn see them: tokens are taken ahead for those to come. A turn brings many requests of
/// few tenants, and what stands in the worker's own memory costs a few instructions instead of a lookup in a table that all
/// workers share and two exchanges.
///
/// From a tenant's fifth request in a turn on its bucket is asked for several tokens at once, and so is the gateway's own from
/// the turn's fifth. Only while three quarters of the burst are left (`GCRA.takeAhead`): nobody is refused for what
/// another worker holds, and below that each token is asked for by itself. What is left goes back when the turn is over.
///
/// A tenant has one account, by a plain hash. Who finds it in use by another one pays each token by itself in this turn. One thread.
@safe public struct TurnQuotas: ~Copyable {
    private static let count = 256

    @usableFromInline
    struct Account {
        @usableFromInline var tenant: UInt128 = 0
        /// -1 while nobody has the account, so that no request is paid from it.
        @usableFromInline var ahead = TokensAhead(tokens: -1)
        @usableFromInline var isCritical = false
    }

    /// `count` of them, owned.
    @usableFromInline let accounts: UnsafeMutablePointer<Account>
    /// Indices of those that are used, owned: `usedCount` of `count`.
    private let used: UnsafeMutablePointer<UInt8>
    private var usedCount = 0
    /// Of the gateway's own bucket.
    @usableFromInline var global = TokensAhead(tokens: 0)
    /// When tokens were first asked for ahead in this turn; nil while none were.
    private var takenNanoseconds: UInt64?

    public init() {
        unsafe self.accounts = .allocate(capacity: Self.count)
        unsafe self.accounts.initialize(repeating: Account(), count: Self.count)
        unsafe self.used = .allocate(capacity: Self.count)
        unsafe self.used.initialize(repeating: 0, count: Self.count)
    }

    deinit {
        unsafe self.accounts.deallocate()
        unsafe self.used.deallocate()
    }

    // MARK: Quotas

    /// As `policy.takeQuota`, with the same refusals.
    ///
    /// - Parameter policy: the same one until `end` or `forget`.
    @inlinable @inline(__always)
    public mutating func takeQuota(
        tenant: UInt128, tokens: Int, bytes: Int, openOnConnection: Int, nowNanoseconds: UInt64, day: UTCDay,
        from policy: AdmissionSnapshot
    ) -> QuotaDecision {
        #if ADMISSION_OFF
            // A build that `make overload` measures the cost of admission against: never for service.
            return .taken(isCritical: false)
        #else
            guard openOnConnection < policy.inflightPerConnectionMax else { return .refused(.tooManyInflight) }
            let account = unsafe self.accounts + Self.index(of: tenant)
            guard unsafe account.pointee.tenant == tenant, unsafe account.pointee.ahead.tokens >= tokens,
                self.global.tokens >= tokens
            else {
                let request = QuotaRequest(tokens: tokens, bytes: bytes, nowNanoseconds: nowNanoseconds, day: day)
                return self.take(tenant, request, policy)
            }
            unsafe account.pointee.ahead.tokens &-= tokens
            self.global.tokens &-= tokens
            return unsafe .taken(isCritical: account.pointee.isCritical)
        #endif
    }

    /// From the buckets, one token or several. Cheapest refusal first; what was taken on the way to one stays in the account or goes
    /// back.
    @inline(never) @usableFromInline
    mutating func take(_ tenant: UInt128, _ request: QuotaRequest, _ policy: AdmissionSnapshot) -> QuotaDecision {
        let index = Self.index(of: tenant)
        guard self.open(index, tenant, policy) else { return policy.take(tenant, request) }
        let account = unsafe self.accounts + index
        let wanted = unsafe account.pointee.ahead.wanted(request.tokens)
        if wanted > 0 {
            self.takenNanoseconds = self.takenNanoseconds ?? request.nowNanoseconds
            let isTaken = policy.takeAhead(tenant, tokens: wanted, nowNanoseconds: request.nowNanoseconds)
            unsafe account.pointee.ahead.taken(isTaken ? wanted : 0)
        }
        let isAhead = unsafe account.pointee.ahead.tokens >= request.tokens
        if !isAhead {
            if let refusal = policy.takeOfTenant(tenant, request) { return .refused(refusal) }
            unsafe account.pointee.ahead.singles += 1
        }
        if let refusal = self.takeOfGlobal(request, policy) {
            if !isAhead { policy.refundTenant(tenant, request, takenNanoseconds: request.nowNanoseconds) }
            return .refused(refusal)
        }
        if isAhead { unsafe account.pointee.ahead.tokens -= request.tokens }
        return unsafe .taken(isCritical: account.pointee.isCritical)
    }

    private mutating func takeOfGlobal(_ request: QuotaRequest, _ policy: AdmissionSnapshot) -> AdmissionRefusal? {
        let wanted = self.global.wanted(request.tokens)
        if wanted > 0 {
            self.takenNanoseconds = self.takenNanoseconds ?? request.nowNanoseconds
            let isTaken = policy.takeGlobalAhead(tokens: wanted, nowNanoseconds: request.nowNanoseconds)
            self.global.taken(isTaken ? wanted : 0)
        }
        guard self.global.tokens < request.tokens else {
            self.global.tokens -= request.tokens
            return nil
        }
        self.global.singles += 1
        return policy.takeOfGlobal(request)
    }

    // MARK: Accounts

    /// Gives back what was taken ahead and not spent: once a turn.
    ///
    /// - Parameter clock: of the same monotonic clock, the present time.
    @inline(__always)
    public mutating func end(from policy: AdmissionSnapshot, clock: () -> UInt64) {
        guard self.usedCount > 0 else { return }
        self.close(policy, clock)
    }

    private mutating func close(_ policy: AdmissionSnapshot, _ clock: () -> UInt64) {
        while let index = self.popUsed() {
            let account = unsafe self.accounts + index
            if let taken = self.takenNanoseconds, unsafe account.pointee.ahead.tokens > 0 {
                unsafe policy.refundAhead(
                    account.pointee.tenant, tokens: account.pointee.ahead.tokens, takenNanoseconds: taken, clock: clock)
            }
            unsafe account.pointee.ahead = TokensAhead(tokens: -1)
        }
        if let taken = self.takenNanoseconds, self.global.tokens > 0 {
            policy.refundGlobal(tokens: self.global.tokens, takenNanoseconds: taken, clock: clock)
        }
        self.takenNanoseconds = nil
        self.global = TokensAhead(tokens: 0)
    }

    /// The policy changes: what was taken ahead by the old one stays spent, since the buckets count by the new one already.
    public mutating func forget() {
        while let index = self.popUsed() { unsafe self.accounts[index].ahead = TokensAhead(tokens: -1) }
        self.takenNanoseconds = nil
        self.global = TokensAhead(tokens: 0)
    }

    private mutating func popUsed() -> Int? {
        guard self.usedCount > 0 else { return nil }
        self.usedCount -= 1
        return unsafe Int(self.used[self.usedCount])
    }

    /// True when the account is the tenant's, from now on at the latest.
    private mutating func open(_ index: Int, _ tenant: UInt128, _ policy: AdmissionSnapshot) -> Bool {
        let account = unsafe self.accounts + index
        guard unsafe account.pointee.ahead.tokens < 0 else { return unsafe account.pointee.tenant == tenant }
        unsafe self.used[self.usedCount] = UInt8(index)
        self.usedCount += 1
        unsafe account.pointee.tenant = tenant
        unsafe account.pointee.ahead = TokensAhead(tokens: 0)
        unsafe account.pointee.isCritical = policy.isCritical(tenant)
        return true
    }

    /// The eight high bits of a product with the golden ratio: tenants that are numbered lie apart.
    @inlinable @inline(__always)
    static func index(of tenant: UInt128) -> Int {
        let word = UInt64(truncatingIfNeeded: tenant) ^ UInt64(truncatingIfNeeded: tenant >> 64)
        return Int((word &* 0x9E37_79B9_7F4A_7C15) >> 56)
    }
}

/// What a worker holds of a bucket for requests of its turn that are yet to come.
@usableFromInline
struct TokensAhead {
    /// So many requests of a turn pay by themselves: most turns bring no more, and what is left of what is taken ahead has to be
    /// given back.
    private static let singlesMin = 4
    /// Twice as many each time, so that no more is taken than has been spent.
    private static let requestsMax = 64

    @usableFromInline var tokens: Int
    /// Requests of the turn that have paid by themselves.
    var singles = 0
    private var requestsNext = TokensAhead.singlesMin
    private var isScarce = false

    init(tokens: Int) { self.tokens = tokens }

    /// How many to take now for requests of `tokens` each; 0 for none.
    func wanted(_ tokens: Int) -> Int {
        guard self.tokens < tokens, self.singles >= Self.singlesMin, !self.isScarce else { return 0 }
        return self.requestsNext * tokens
    }

    /// The answer to `wanted`: 0 when the bucket has no tokens to spare.
    mutating func taken(_ tokens: Int) {
        self.tokens += tokens
        self.isScarce = tokens == 0
        self.requestsNext = min(self.requestsNext * 2, Self.requestsMax)
    }
}
