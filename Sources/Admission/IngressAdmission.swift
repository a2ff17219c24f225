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
public final class IngressAdmission: Sendable {
    public let concurrency: ConcurrencyLimit
    public let inflightPerConnectionMax: Int
    public let connectionRate: TokenRate?
    private let tenants: TenantBuckets?
    private let global: TokenBucket?

    public init(
        openMax: Int, inflightPerConnectionMax: Int, connectionRate: TokenRate? = nil, tenantRate: TokenRate? = nil,
        globalRate: TokenRate? = nil
    ) {
        precondition(inflightPerConnectionMax > 0)
        self.concurrency = ConcurrencyLimit(openMax: openMax)
        self.inflightPerConnectionMax = inflightPerConnectionMax
        self.connectionRate = connectionRate
        self.tenants = tenantRate.map { TenantBuckets(rate: $0) }
        self.global = globalRate.map { TokenBucket(rate: $0) }
    }

    /// Cheapest refusal first: the connection's own count, its tenant's tokens, the gateway's tokens, the concurrency
    /// limit. Tokens taken on the way to a later refusal are given back.
    public func admit(tenant: UInt128, openOnConnection: Int, nowNanoseconds: UInt64) -> AdmissionDecision {
        guard openOnConnection < self.inflightPerConnectionMax else { return .refused(.tooManyInflight) }
        if let tenants = self.tenants,
            case .refused(let retry) = tenants.take(tenant: tenant, nowNanoseconds: nowNanoseconds)
        {
            return .refused(.tenantQuota(retryAfterNanoseconds: retry))
        }
        if let global = self.global, case .refused(let retry) = global.take(nowNanoseconds: nowNanoseconds) {
            self.tenants?.refund(tenant: tenant)
            return .refused(.globalQuota(retryAfterNanoseconds: retry))
        }
        guard let permit = self.concurrency.acquire() else {
            self.tenants?.refund(tenant: tenant)
            self.global?.refund()
            return .refused(.concurrency)
        }
        return .admitted(permit)
    }
}
