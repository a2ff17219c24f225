internal import Admission
internal import Settings

extension AdmissionPolicy {
    /// As the operator has set it.
    init(_ settings: GatewaySettings) {
        self.init()
        let quotas = settings.quotas
        self.openMax = settings.oapConcurrency
        self.criticalReserve = settings.overload.criticalReserve.permits(of: settings.oapConcurrency)
        self.inflightPerConnectionMax = settings.limits.inflightMax
        self.global = quotas.global.map(TokenRate.init)
        self.connection = quotas.connection.map(TokenRate.init)
        self.tenantDefault = TenantQuota(quotas.tenant, isCritical: false)
        self.tenants = settings.tenants.map { tenant in
            NamedTenant(
                tenant: tenant.id, name: tenant.name, quota: TenantQuota(tenant.quota, isCritical: tenant.isCritical))
        }
        self.costs.index = RequestCost(settings.costs.index)
        self.costs.other = RequestCost(settings.costs.other)
        self.source = SourceLimits(
            connectionsMax: quotas.source.connectionsMax, handshakes: quotas.source.handshakes.map(TokenRate.init))
        self.isAdaptive = settings.overload.isAdaptive
        self.waiting = WaitingLimits(
            lengthMax: settings.overload.queueMax,
            targetNanoseconds: UInt64(settings.overload.queueTargetMilliseconds) * 1_000_000,
            intervalNanoseconds: UInt64(settings.overload.queueIntervalMilliseconds) * 1_000_000)
    }
}

extension TenantQuota {
    init(_ quota: TenantQuotaSettings, isCritical: Bool) {
        self.init(
            requests: quota.requests.map(TokenRate.init), bytes: quota.bytes.map(TokenRate.init),
            requestsPerDay: quota.requestsPerDay, isCritical: isCritical)
    }
}

extension RequestCost {
    init(_ cost: RequestCostSettings) { self.init(baseTokens: cost.base, tokensPerKibibyte: cost.perKibibyte) }
}

extension TokenRate {
    init(_ quota: Quota) { self.init(tokensPerSecond: quota.perSecond, burst: quota.burst) }

    /// A token is a byte.
    init(_ quota: ByteQuota) { self.init(tokensPerSecond: Double(quota.perSecond), burst: quota.burst) }
}
