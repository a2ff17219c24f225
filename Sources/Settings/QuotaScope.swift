/// One of the quotas: its keys and where it is drafted.
struct QuotaScope: Sendable {
    let rate: String
    let burst: String
    let draft: DraftPath<QuotaDraft>

    static let all = [
        QuotaScope(rate: "quota.global.requests_per_second", burst: "quota.global.burst", draft: \.globalQuota),
        QuotaScope(
            rate: "quota.tenant.requests_per_second", burst: "quota.tenant.burst", draft: \.tenantQuota.requests),
        QuotaScope(
            rate: "quota.connection.frames_per_second", burst: "quota.connection.burst", draft: \.connectionQuota),
        QuotaScope(
            rate: "quota.source.handshakes_per_second", burst: "quota.source.burst", draft: \.handshakeQuota),
    ]

    /// The rate that a burst belongs to; nil when the path is no burst's.
    static func rate(ofBurst path: String) -> String? {
        if path == "quota.tenant.bytes_burst" { return "quota.tenant.bytes_per_second" }
        return Self.all.first { $0.burst == path }?.rate
    }
}

extension SettingsDraft {
    /// Gives every rate without a burst the burst that it has by default.
    mutating func fillBursts() {
        for scope in QuotaScope.all {
            self[keyPath: scope.draft].burst = self[keyPath: scope.draft].quota?.burst
        }
        let frameBytesMax = self.settings.limits.frameBytesMax
        self.tenantQuota.bytes.burst = self.tenantQuota.bytes.quota(frameBytesMax: frameBytesMax)?.burst
    }
}
