/// Why a request was not admitted. Counted where it is made.
public enum AdmissionRefusal: Equatable, Sendable {
    case tooManyInflight
    case connectionQuota(retryAfterNanoseconds: UInt64)
    case tenantQuota(retryAfterNanoseconds: UInt64)
    case globalQuota(retryAfterNanoseconds: UInt64)
    case concurrency
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
    ///
    /// - Parameter held: the permit of the request, once it is admitted: the one that the caller had in it already,
    ///   such as that of a request which is answered, or a new one. Untouched by a refusal.
    /// - Returns: nil when the request is admitted.
    public func admit(
        tenant: UInt128, openOnConnection: Int, nowNanoseconds: UInt64, held: inout Permit?
    ) -> AdmissionRefusal? {
        if let why = self.takeTokens(
            tenant: tenant, openOnConnection: openOnConnection, nowNanoseconds: nowNanoseconds)
        {
            return why
        }
        if held == nil { held = self.concurrency.acquire() }
        guard held == nil else { return nil }
        self.refundTenant(tenant)
        unsafe self.global?._withUnsafeGuaranteedRef { $0.refund() }
        return .concurrency
    }

    private func takeTokens(
        tenant: UInt128, openOnConnection: Int, nowNanoseconds: UInt64
    ) -> AdmissionRefusal? {
        guard openOnConnection < self.inflightPerConnectionMax else { return .tooManyInflight }
        if case .refused(let retry) = self.takeTenant(tenant, nowNanoseconds) {
            return .tenantQuota(retryAfterNanoseconds: retry)
        }
        if case .refused(let retry) = self.takeGlobal(nowNanoseconds) {
            self.refundTenant(tenant)
            return .globalQuota(retryAfterNanoseconds: retry)
        }
        return nil
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
