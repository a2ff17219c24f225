/// A worker's accounts with the tenants of its turn: tokens that it has taken ahead, and requests that it has counted. A turn brings
/// many requests of few tenants, and what stands in the worker's own memory costs a few instructions instead of a lookup in a
/// table that all workers share and two exchanges.
///
/// Of a tenant that had more than a few requests in its last turn, as many tokens are taken with the first request; of any other,
/// several at once from the third request on. The gateway's own bucket is asked in the same way. Only while three
/// quarters of the burst are left (`GCRA.takeAhead`): all that workers hold of a bucket is a quarter at most, by which somebody
/// may be refused too early until their turns end; below that each token is asked for by itself. What is left goes back
/// when the turn is over, when the counts are told too.
///
/// A tenant has one account, by a plain hash. Who finds it in use by another one pays and is counted by itself in this turn.
/// One thread.
@safe public struct TurnAccounts: ~Copyable {
    private static let count = 256

    /// One cache line.
    @usableFromInline
    struct Account {
        @usableFromInline var tenant: UInt128 = 0
        @usableFromInline var ahead = TokensAhead()
        @usableFromInline var isCritical = false
        @usableFromInline var isUsed = false
        /// That were counted in the tenant's last turn, up to `TokensAhead.requestsMax`: as many are expected of this one.
        var requestsBefore: UInt16 = 0
        @usableFromInline var counts = TenantCounts()
    }

    /// `count` of them, owned.
    @usableFromInline let accounts: UnsafeMutablePointer<Account>
    /// Indices of those that are used, owned: `usedCount` of `count`.
    private let used: UnsafeMutablePointer<UInt8>
    private var usedCount = 0
    /// All that were counted in the last turn.
    private var requestsBefore = 0
    /// Of the gateway's own bucket.
    @usableFromInline var global = TokensAhead()
    /// The first request that asked a bucket in this turn, by whose time all that is left goes back.
    private var first: QuotaRequest?

    public init() {
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: Self.count * MemoryLayout<Account>.stride, alignment: AtomicWords.lineBytes)
        unsafe self.accounts = bytes.bindMemory(to: Account.self, capacity: Self.count)
        unsafe self.accounts.initialize(repeating: Account(), count: Self.count)
        unsafe self.used = .allocate(capacity: Self.count)
        unsafe self.used.initialize(repeating: 0, count: Self.count)
    }

    deinit {
        unsafe UnsafeMutableRawPointer(self.accounts).deallocate()
        unsafe self.used.deallocate()
    }

    // MARK: Quotas

    /// As `policy.takeQuota`, with the same refusals.
    ///
    /// - Parameter policy: the same one until `end` or `follow`.
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
            guard tokens > 0, unsafe account.pointee.tenant == tenant,
                unsafe account.pointee.ahead.tokens >= tokens, self.global.tokens >= tokens
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
        self.first = self.first ?? request
        guard self.open(index, tenant) else {
            if let refusal = policy.takeOfTenant(tenant, request) ?? self.takeOfGlobal(for: tenant, request, policy) {
                return .refused(refusal)
            }
            return .taken(isCritical: policy.isCritical(tenant))
        }
        let account = unsafe self.accounts + index
        if unsafe account.pointee.ahead.tokens < 0 {
            unsafe account.pointee.ahead = unsafe TokensAhead(expecting: Int(account.pointee.requestsBefore))
            unsafe account.pointee.isCritical = policy.isCritical(tenant)
        }
        let wanted = unsafe account.pointee.ahead.wanted(request.tokens)
        if wanted > 0 {
            let isTaken = policy.takeAhead(tenant, tokens: wanted, nowNanoseconds: request.nowNanoseconds)
            unsafe account.pointee.ahead.taken(isTaken ? wanted : 0)
        }
        // What costs nothing asks too: its bytes and its day are counted.
        if request.tokens > 0, unsafe account.pointee.ahead.tokens >= request.tokens {
            if let refusal = self.takeOfGlobal(request, policy) { return .refused(refusal) }
            unsafe account.pointee.ahead.tokens -= request.tokens
        } else {
            if let refusal = policy.takeOfTenant(tenant, request) { return .refused(refusal) }
            unsafe account.pointee.ahead.paidSingle()
            if let refusal = self.takeOfGlobal(for: tenant, request, policy) { return .refused(refusal) }
        }
        return unsafe .taken(isCritical: account.pointee.isCritical)
    }

    /// For a request that `tenant` has paid for by itself, and gets back if the gateway has no tokens.
    private mutating func takeOfGlobal(
        for tenant: UInt128, _ request: QuotaRequest, _ policy: AdmissionSnapshot
    ) -> AdmissionRefusal? {
        guard let refusal = self.takeOfGlobal(request, policy) else { return nil }
        policy.refundTenant(tenant, request) { request.nowNanoseconds }
        return refusal
    }

    private mutating func takeOfGlobal(_ request: QuotaRequest, _ policy: AdmissionSnapshot) -> AdmissionRefusal? {
        if self.global.tokens < 0 { self.global = TokensAhead(expecting: self.requestsBefore) }
        let wanted = self.global.wanted(request.tokens)
        if wanted > 0 {
            let isTaken = policy.takeGlobalAhead(tokens: wanted, nowNanoseconds: request.nowNanoseconds)
            self.global.taken(isTaken ? wanted : 0)
        }
        guard self.global.tokens < request.tokens else {
            self.global.tokens -= request.tokens
            return nil
        }
        self.global.paidSingle()
        return policy.takeOfGlobal(request)
    }

    // MARK: Counts

    /// One request of `tenant`, of which `activity` is told when the turn is over.
    @inlinable @inline(__always)
    public mutating func count(_ tenant: UInt128, _ outcome: TenantOutcome, in activity: TenantActivity) {
        #if !ADMISSION_OFF
            let account = unsafe self.accounts + Self.index(of: tenant)
            guard unsafe account.pointee.tenant == tenant, unsafe account.pointee.isUsed else {
                return self.countFirst(tenant, outcome, activity)
            }
            unsafe account.pointee.counts.add(outcome)
        #endif
    }

    @inline(never) @usableFromInline
    mutating func countFirst(_ tenant: UInt128, _ outcome: TenantOutcome, _ activity: TenantActivity) {
        let index = Self.index(of: tenant)
        if self.open(index, tenant) {
            unsafe self.accounts[index].counts.add(outcome)
        } else {
            var counts = TenantCounts()
            counts.add(outcome)
            activity.add(tenant, counts)
        }
    }

    // MARK: Accounts

    /// Gives back what was taken ahead and not spent, and tells `activity` what was counted: once a turn, so that nobody holds
    /// tokens for longer and a reader misses no more than one.
    ///
    /// - Parameter clock: of the same monotonic clock, the present time.
    @inline(__always)
    public mutating func end(from policy: AdmissionSnapshot, in activity: TenantActivity, clock: () -> UInt64) {
        guard self.usedCount > 0 || self.first != nil else { return }
        self.close(policy, activity, clock)
    }

    private mutating func close(_ policy: AdmissionSnapshot, _ activity: TenantActivity, _ clock: () -> UInt64) {
        self.requestsBefore = 0
        while self.usedCount > 0 {
            self.usedCount -= 1
            let account = unsafe self.accounts + Int(self.used[self.usedCount])
            if let left = unsafe self.left(of: account.pointee.ahead) {
                unsafe policy.refundTenant(account.pointee.tenant, left, clock: clock)
            }
            let requests = unsafe Int(account.pointee.counts.total)
            if requests > 0 { unsafe activity.add(account.pointee.tenant, account.pointee.counts) }
            self.requestsBefore += requests
            unsafe account.pointee.requestsBefore = UInt16(min(requests, TokensAhead.requestsMax))
            unsafe account.pointee.counts = TenantCounts()
            unsafe account.pointee.ahead = TokensAhead()
            unsafe account.pointee.isUsed = false
        }
        if let left = self.left(of: self.global) { policy.refundGlobal(left, clock: clock) }
        self.first = nil
        self.global = TokensAhead()
    }

    /// What goes back of tokens that were taken ahead, as a request that was taken in vain: its quota counts no bytes and no
    /// days, or nothing would have been taken ahead. Nil when nothing is left.
    private func left(of ahead: TokensAhead) -> QuotaRequest? {
        guard ahead.tokens > 0, let first = self.first else { return nil }
        return QuotaRequest(tokens: ahead.tokens, bytes: 0, nowNanoseconds: first.nowNanoseconds, day: first.day)
    }

    /// The policy changes: what was taken ahead by other rates stays spent, since the buckets count by the new ones already.
    public mutating func follow(from old: AdmissionSnapshot, to new: AdmissionSnapshot) {
        guard new.quotaEdition != old.quotaEdition else { return }
        for position in 0..<self.usedCount {
            unsafe self.accounts[Int(self.used[position])].ahead = TokensAhead()
        }
        self.first = nil
        self.global = TokensAhead()
    }

    /// True when the account is the tenant's, from now on at the latest.
    private mutating func open(_ index: Int, _ tenant: UInt128) -> Bool {
        let account = unsafe self.accounts + index
        guard unsafe !account.pointee.isUsed else { return unsafe account.pointee.tenant == tenant }
        unsafe self.used[self.usedCount] = UInt8(index)
        self.usedCount += 1
        if unsafe account.pointee.tenant != tenant {
            unsafe account.pointee.tenant = tenant
            unsafe account.pointee.requestsBefore = 0
        }
        unsafe account.pointee.isUsed = true
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
    /// So many requests of a turn pay by themselves: what is left of what is taken ahead has to be given back, which costs as
    /// much as to take it.
    private static let singlesMin: UInt8 = 2
    /// Requests that are paid for ahead at first, unless more are expected, and at most; four times as many each time.
    private static let requestsMin = 8
    static let requestsMax = 512

    /// -1 until the first request has paid, so that none is paid from what nobody has looked at.
    @usableFromInline var tokens: Int
    private var requestsNext: UInt16
    /// Requests of the turn that pay by themselves before any is paid for ahead.
    private var singlesLeft: UInt8
    private var isScarce = false

    init() {
        self.tokens = -1
        self.requestsNext = 0
        self.singlesLeft = 0
    }

    init(expecting requests: Int) {
        self.tokens = 0
        self.requestsNext = UInt16(min(max(requests, Self.requestsMin), Self.requestsMax))
        self.singlesLeft = requests > Int(Self.singlesMin) + 1 ? 0 : Self.singlesMin
    }

    /// How many to take now for requests of `tokens` each; 0 for none.
    func wanted(_ tokens: Int) -> Int {
        guard self.tokens < tokens, self.singlesLeft == 0, !self.isScarce else { return 0 }
        return Int(self.requestsNext) * tokens
    }

    /// The answer to `wanted`: 0 when the bucket has no tokens to spare. Then fewer are asked for next time, and none in this
    /// turn when it were fewer than at first.
    mutating func taken(_ tokens: Int) {
        self.tokens += tokens
        guard tokens == 0 else {
            self.requestsNext = UInt16(min(Int(self.requestsNext) * 4, Self.requestsMax))
            return
        }
        self.requestsNext /= 4
        self.isScarce = self.requestsNext < Self.requestsMin
    }

    mutating func paidSingle() { self.singlesLeft -= min(self.singlesLeft, 1) }
}
