/// Settings in the making: what keys store into before relations hold.
struct SettingsDraft: Sendable {
    var settings = GatewaySettings()
    var globalQuota = QuotaDraft()
    var tenantQuota = QuotaDraft()
    var connectionQuota = QuotaDraft()

    /// The checked value. Every quota's burst must have its rate.
    var finished: GatewaySettings {
        var settings = self.settings
        settings.quotas.global = self.globalQuota.quota
        settings.quotas.tenant = self.tenantQuota.quota
        settings.quotas.connection = self.connectionQuota.quota
        return settings
    }
}

/// A quota whose keys come one by one.
struct QuotaDraft: Sendable {
    var perSecond: Double?
    var burst: Int?

    /// Nil without a rate.
    var quota: Quota? {
        self.perSecond.map { Quota(perSecond: $0, burst: self.burst ?? Quota.defaultBurst(perSecond: $0)) }
    }
}
