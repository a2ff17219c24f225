/// Why a request was not admitted, cheapest check first. Counted where it is made. Times are the buckets' own: coming back
/// earlier is in vain; `RetryAfter` makes of them what a client is told.
public enum AdmissionRefusal: Equatable, Sendable {
    case tooManyInflight
    case connectionQuota(retryAfterNanoseconds: UInt64)
    case tenantQuota(retryAfterNanoseconds: UInt64)
    case tenantBytes(retryAfterNanoseconds: UInt64)
    /// The day's requests are spent; the day ends at midnight UTC.
    case tenantDay(retryAfterNanoseconds: UInt64)
    case globalQuota(retryAfterNanoseconds: UInt64)
    case concurrency

    /// What the tenant's counts say of it; nil for a frame that was refused before it was known to be a request.
    public var tenantOutcome: TenantOutcome? {
        switch self {
        case .connectionQuota: nil
        case .tooManyInflight, .tenantQuota, .tenantBytes, .tenantDay: .quota
        case .globalQuota, .concurrency: .overload
        }
    }
}

/// The answer of the quotas to one request.
public enum QuotaDecision: Equatable, Sendable {
    /// The tokens are taken; a request that is then refused for another reason gets them back by `refundQuota`.
    case taken(isCritical: Bool)
    case refused(AdmissionRefusal)
}
