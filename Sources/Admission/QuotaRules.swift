/// A tenant's quota as its words are spent by: behind a reference, so that a request reads of it what it needs and copies
/// nothing.
final class QuotaRules: Sendable {
    let requests: TokenRate?
    let bytes: TokenRate?
    let requestsPerDay: Int?
    let isCritical: Bool
    let edition: QuotaEdition

    init(_ quota: TenantQuota, _ edition: QuotaEdition = QuotaEdition()) {
        self.requests = quota.requests
        self.bytes = quota.bytes
        self.requestsPerDay = quota.requestsPerDay
        self.isCritical = quota.isCritical
        self.edition = edition
    }
}
