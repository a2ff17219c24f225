/// Settings in the making: what keys store into before relations hold.
struct SettingsDraft: Sendable {
    var settings = GatewaySettings()
    var globalQuota = QuotaDraft()
    var tenantQuota = TenantQuotaDraft()
    var connectionQuota = QuotaDraft()
    var handshakeQuota = QuotaDraft()
    /// The keys of the `[[tenant]]` that is being read: they store where every setting's keys do.
    var tenant = NamedTenantDraft()
    /// Every `[[tenant]]` that is right in itself.
    var tenants: [NamedTenantDraft] = []
    /// Where the control socket goes unless its path is named; nil before the environment is known.
    var controlDirectory: String?

    /// The checked value. Every quota's burst must have its rate.
    var finished: GatewaySettings {
        var settings = self.settings
        let frameBytesMax = settings.limits.frameBytesMax
        settings.quotas.global = self.globalQuota.quota
        settings.quotas.tenant = self.tenantQuota.quota(frameBytesMax: frameBytesMax)
        settings.quotas.connection = self.connectionQuota.quota
        settings.quotas.source.handshakes = self.handshakeQuota.quota
        settings.tenants = self.tenants.map { $0.settings(inheriting: self.tenantQuota, frameBytesMax: frameBytesMax) }
        return settings
    }

    /// The control socket's path; nil when there is none, or no directory is known.
    var controlSocketPath: String? {
        switch self.settings.controlSocket {
        case .off: nil
        case .path(let path): path
        case .automatic:
            self.controlDirectory.map { ControlSocketPath.path(instance: self.settings.instance, in: $0) }
        }
    }
}

/// A quota whose keys come one by one.
struct QuotaDraft: Sendable, Equatable {
    var perSecond: Double?
    var burst: Int?

    /// Nil without a rate.
    var quota: Quota? {
        self.perSecond.map { Quota(perSecond: $0, burst: self.burst ?? Quota.defaultBurst(perSecond: $0)) }
    }
}

/// A quota of bytes whose keys come one by one.
struct ByteQuotaDraft: Sendable, Equatable {
    var perSecond: Int?
    var burst: Int?

    /// Nil without a rate.
    func quota(frameBytesMax: Int) -> ByteQuota? {
        self.perSecond.map { rate in
            ByteQuota(
                perSecond: rate,
                burst: self.burst ?? ByteQuota.defaultBurst(perSecond: rate, frameBytesMax: frameBytesMax))
        }
    }
}

/// A tenant's quotas whose keys come one by one.
struct TenantQuotaDraft: Sendable, Equatable {
    var requests = QuotaDraft()
    var bytes = ByteQuotaDraft()
    var requestsPerDay: Int?

    func quota(frameBytesMax: Int) -> TenantQuotaSettings {
        var quota = TenantQuotaSettings()
        quota.requests = self.requests.quota
        quota.bytes = self.bytes.quota(frameBytesMax: frameBytesMax)
        quota.requestsPerDay = self.requestsPerDay
        return quota
    }
}

/// A `[[tenant]]` whose keys come one by one.
struct NamedTenantDraft: Sendable, Equatable {
    var id: UInt128?
    var name: String?
    var quota = TenantQuotaDraft()
    var isCritical = false

    /// What it is called: by its name, else by its id.
    var label: String { self.name ?? self.id.map { "\($0)" } ?? "" }

    /// What the entry does not say is that of every tenant.
    func settings(inheriting standard: TenantQuotaDraft, frameBytesMax: Int) -> NamedTenantSettings {
        var quota = self.quota
        if quota.requests.perSecond == nil { quota.requests = standard.requests }
        if quota.bytes.perSecond == nil { quota.bytes = standard.bytes }
        quota.requestsPerDay = quota.requestsPerDay ?? standard.requestsPerDay
        return NamedTenantSettings(
            id: self.id ?? 0, name: self.label, quota: quota.quota(frameBytesMax: frameBytesMax),
            isCritical: self.isCritical)
    }
}
