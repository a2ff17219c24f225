/// Why a request was not admitted. Counted where it is made.
public enum AdmissionRefusal: Equatable, Sendable {
    case tooManyInflight
    case connectionQuota(retryAfterNanoseconds: UInt64)
    case tenantQuota(retryAfterNanoseconds: UInt64)
    case globalQuota(retryAfterNanoseconds: UInt64)
    case concurrency
}

/// A request's way in, or the reason why not.
public enum AdmissionDecision: ~Copyable {
    case admitted(Permit)
    case refused(AdmissionRefusal)
}

/// What all workers admit against: quotas that may be absent, and the concurrency limit. Any thread.
@safe public final class IngressAdmission: Sendable {
    public let concurrency: ConcurrencyLimit
    public let inflightPerConnectionMax: Int
    public let connectionRate: TokenRate?
    /// Owned, and used without counting references, which would be the dearest part of admission: a tenth of a
    /// pipelined request's cost.
    private let tenants: Unmanaged<TenantBuckets>?
    private let global: Unmanaged<TokenBucket>?

    public init(
        openMax: Int, inflightPerConnectionMax: Int, connectionRate: TokenRate? = nil, tenantRate: TokenRate? = nil,
        globalRate: TokenRate? = nil
    ) {
        precondition(inflightPerConnectionMax > 0)
        self.concurrency = ConcurrencyLimit(openMax: openMax)
        self.inflightPerConnectionMax = inflightPerConnectionMax
        self.connectionRate = connectionRate
        unsafe self.tenants = tenantRate.map { unsafe .passRetained(TenantBuckets(rate: $0)) }
        unsafe self.global = globalRate.map { unsafe .passRetained(TokenBucket(rate: $0)) }
    }

    deinit {
        unsafe self.tenants?.release()
        unsafe self.global?.release()
    }

    /// Cheapest refusal first: the connection's own count, its tenant's tokens, the gateway's tokens, the concurrency
    /// limit. Tokens taken on the way to a later refusal are given back.
    public func admit(tenant: UInt128, openOnConnection: Int, nowNanoseconds: UInt64) -> AdmissionDecision {
        guard openOnConnection < self.inflightPerConnectionMax else { return .refused(.tooManyInflight) }
        if case .refused(let retry) = self.takeTenant(tenant, nowNanoseconds) {
            return .refused(.tenantQuota(retryAfterNanoseconds: retry))
        }
        if case .refused(let retry) = self.takeGlobal(nowNanoseconds) {
            self.refundTenant(tenant)
            return .refused(.globalQuota(retryAfterNanoseconds: retry))
        }
        guard let permit = self.concurrency.acquire() else {
            self.refundTenant(tenant)
            unsafe self.global?._withUnsafeGuaranteedRef { $0.refund() }
            return .refused(.concurrency)
        }
        return .admitted(permit)
    }
    private func takeTenant(_ tenant: UInt128, _ nowNanoseconds: UInt64) -> TokenDecision {
        guard let tenants = unsafe self.tenants else { return .admitted }
        return unsafe tenants._withUnsafeGuaranteedRef { $0.take(tenant: tenant, nowNanoseconds: nowNanoseconds) }
    }

    private func takeGlobal(_ nowNanoseconds: UInt64) -> TokenDecision {
        guard let global = unsafe self.global else { return .admitted }
        return unsafe global._withUnsafeGuaranteedRef { $0.take(nowNanoseconds: nowNanoseconds) }
    }

    private func refundTenant(_ tenant: UInt128) {
        unsafe self.tenants?._withUnsafeGuaranteedRef { $0.refund(tenant: tenant) }
    }
}
