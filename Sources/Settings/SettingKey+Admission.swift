/// What may come how fast, what it costs, and what happens beyond that.
extension SettingKey {
    static let quotas: [SettingKey] = [
        SettingKey(
            "quota.global.requests_per_second", .rate(\.globalQuota.perSecond),
            "Sustained request rate of the process; beyond it 503 ingress_exhausted."),
        SettingKey("quota.global.burst", .burst(\.globalQuota.burst), Self.burstSummary),
        SettingKey(
            "quota.tenant.requests_per_second", .rate(\.tenantQuota.requests.perSecond),
            "Sustained request rate of each tenant; beyond it 429 quota_exhausted."),
        SettingKey("quota.tenant.burst", .burst(\.tenantQuota.requests.burst), Self.burstSummary),
        SettingKey(
            "quota.tenant.bytes_per_second", .optionalByteSize(\.tenantQuota.bytes.perSecond, ByteQuota.perSecondRange),
            "Sustained bytes of each tenant's request frames; beyond it 429 quota_exhausted."),
        SettingKey(
            "quota.tenant.bytes_burst", .optionalByteSize(\.tenantQuota.bytes.burst, ByteQuota.burstRange),
            Self.bytesBurstSummary),
        SettingKey(
            "quota.tenant.requests_per_day",
            .optionalInteger(\.tenantQuota.requestsPerDay, TenantQuotaSettings.requestsPerDayRange),
            "Requests of each tenant in a day of UTC; beyond it 429 quota_exhausted until midnight."),
        SettingKey(
            "quota.connection.frames_per_second", .rate(\.connectionQuota.perSecond),
            "Sustained frame rate of each connection, HELLO and PING included; beyond it 429 quota_exhausted."),
        SettingKey("quota.connection.burst", .burst(\.connectionQuota.burst), Self.burstSummary),
        SettingKey(
            "quota.source.connections_max", .optionalInteger(\.settings.quotas.source.connectionsMax, 1...1_000_000),
            "Most connections from one address (IPv6: one /64); one more is closed at once."),
        SettingKey(
            "quota.source.handshakes_per_second", .rate(\.handshakeQuota.perSecond),
            "Sustained rate of new connections from one address; beyond it they are closed at once."),
        SettingKey("quota.source.burst", .burst(\.handshakeQuota.burst), Self.burstSummary),
    ]

    static let overload: [SettingKey] = [
        SettingKey(
            "cost.index.base", .integer(\.settings.costs.index.base, RequestCostSettings.baseRange),
            "Tokens of the global and the tenant's quota that a lookup costs."),
        SettingKey(
            "cost.index.per_kib", .integer(\.settings.costs.index.perKibibyte, RequestCostSettings.perKibibyteRange),
            "Further tokens for each KiB of its frame."),
        SettingKey(
            "cost.other.base", .integer(\.settings.costs.other.base, RequestCostSettings.baseRange),
            "The same for every other application."),
        SettingKey(
            "cost.other.per_kib", .integer(\.settings.costs.other.perKibibyte, RequestCostSettings.perKibibyteRange),
            "The same for every other application."),
        SettingKey(
            "overload.queue_max", .integer(\.settings.overload.queueMax, 0...16_384),
            "Requests of each worker that may wait for a permit; 0 refuses at once."),
        SettingKey(
            "overload.queue_target", .duration(\.settings.overload.queueTargetMilliseconds, 1...10_000),
            "A wait above this for a whole queue_interval is overload: the newest are then served first."),
        SettingKey(
            "overload.queue_interval", .duration(\.settings.overload.queueIntervalMilliseconds, 2...60_000),
            "How long waits may be above queue_target; longer than this nobody waits."),
        SettingKey(
            "overload.adaptive", .boolean(\.settings.overload.isAdaptive),
            "Whether concurrency is lowered below oap_concurrency while latency rises."),
        SettingKey(
            "overload.critical_reserve", .reserve(\.settings.overload.criticalReserve),
            "Permits that only critical tenants get."),
    ]

    /// The keys of each `[[tenant]]`, by their names in it.
    static let tenant: [SettingKey] = [
        SettingKey("tenant.id", .tenantID(\.tenant.id), "The tenant_id that its frames carry."),
        SettingKey("tenant.name", .tenantName(\.tenant.name), "What metrics and ronctl call it."),
        SettingKey(
            "tenant.requests_per_second", .rate(\.tenant.quota.requests.perSecond),
            "Instead of that of [quota.tenant]."),
        SettingKey("tenant.burst", .burst(\.tenant.quota.requests.burst), Self.burstSummary),
        SettingKey(
            "tenant.bytes_per_second", .optionalByteSize(\.tenant.quota.bytes.perSecond, ByteQuota.perSecondRange),
            "Instead of that of [quota.tenant]."),
        SettingKey(
            "tenant.bytes_burst", .optionalByteSize(\.tenant.quota.bytes.burst, ByteQuota.burstRange),
            Self.bytesBurstSummary),
        SettingKey(
            "tenant.requests_per_day",
            .optionalInteger(\.tenant.quota.requestsPerDay, TenantQuotaSettings.requestsPerDayRange),
            "Instead of that of [quota.tenant]."),
        SettingKey(
            "tenant.critical", .boolean(\.tenant.isCritical),
            "Whether it takes from overload.critical_reserve and is served first."),
    ]

    private static let burstSummary = "How many may come at once; without it one second's worth."
    private static let bytesBurstSummary =
        "How many bytes may come at once, at least max_frame; without it one second's worth or max_frame."
}
