internal import Admission
internal import ControlProtocol
internal import Foundation
internal import Gateway
internal import GatewayRuntime
internal import IndexStore
internal import Reactor
internal import Settings
internal import Telemetry

/// What the control socket shows of a running gateway, and does to it.
final class GatewayControl: ControlSource {
    private let server: GatewayServer
    /// Nil when lookups are forwarded.
    private let index: IndexSource?
    private let health: HealthMonitor
    private let reloader: ConfigurationReloader
    private let budget: DescriptorBudget
    private let built: VersionReport
    private let metricsAddress: String
    private let started = ContinuousClock.now
    /// In a status, which is to fit a screen; metrics have more.
    private static let tenantsShown = 5

    init(
        server: GatewayServer, index: IndexSource?, health: HealthMonitor, reloader: ConfigurationReloader,
        budget: DescriptorBudget, version: VersionReport, metricsAddress: String
    ) {
        self.server = server
        self.index = index
        self.health = health
        self.reloader = reloader
        self.budget = budget
        self.built = version
        self.metricsAddress = metricsAddress
    }

    func reload() async -> ReloadReport { await self.reloader.reload(by: "control socket") }

    func configuration() throws -> String { try self.reloader.running.json() }

    // MARK: Status

    func status() -> StatusReport {
        let health = self.health.report
        let running = self.reloader.running
        let live = self.server.live
        let pressure = self.server.pressure
        return StatusReport(
            instance: running.settings.instance, version: self.built.version, commit: self.built.commit,
            pid: Int(ProcessInfo.processInfo.processIdentifier), started: self.built.started,
            uptimeSeconds: Int((ContinuousClock.now - self.started) / .seconds(1)), ready: health.isReady,
            reasons: health.reasons,
            backend: .init(io: self.server.backend.kind.rawValue, reason: self.server.backend.reason),
            oapAddr: self.server.listensOn, metricsAddr: self.metricsAddress,
            configuration: self.configurationStatus(running),
            workers: self.server.reports.enumerated().map { number, report in
                .init(number: number, connections: report.connections, open: report.open, epoch: report.epoch)
            },
            connections: .init(used: self.server.connectionsOpen, max: live.limits.connectionsMax),
            requests: .init(used: self.server.openCount, max: live.policy.openMax),
            pressure: .init(rung: pressure.rung.name, reason: pressure.reason?.name),
            adaptiveLimit: self.server.adaptiveLimit,
            bufferMemory: .init(used: self.server.bufferBytesUsed, max: self.server.configuration.bufferBytesMax),
            index: .init(
                path: self.index?.path ?? "\(running.settings.index)",
                isForwarded: self.index == nil, records: self.index?.environment.map { max(0, $0.recordCount) }),
            quotas: self.quotas(running.settings.quotas), rejections: self.rejections(),
            tenants: TenantLabels(self.server.tenantReport(), named: live.policy.tenants)
                .status(count: Self.tenantsShown))
    }

    private func configurationStatus(_ running: LoadedSettings) -> StatusReport.Configuration {
        let reloads = self.reloader.reloads
        return StatusReport.Configuration(
            file: running.file, epoch: self.server.epoch, reloads: reloads.adopted, reloadsRefused: reloads.refused,
            restartNeeded: self.reloader.restartNeeded)
    }

    private func quotas(_ quotas: QuotaSettings) -> [StatusReport.Quota] {
        let rates: [String: String?] = [
            "global": quotas.global?.text, "tenant": quotas.tenant.requests?.text,
            "connection": quotas.connection?.text, "tenant_bytes": quotas.tenant.bytes?.text,
            "tenant_day": quotas.tenant.requestsPerDay.map { "\($0)/day" },
        ]
        return self.counts("quota_exhaustions_total", label: "scope").map { scope, count in
            StatusReport.Quota(scope: scope, rate: rates[scope] ?? nil, refused: count)
        } + self.sources(quotas.source)
    }

    /// Of addresses not requests but connections are refused.
    private func sources(_ source: SourceSettings) -> [StatusReport.Quota] {
        let rates: [String: String?] = [
            "source_connections": source.connectionsMax.map { "\($0) open" },
            "source_rate": source.handshakes?.text,
        ]
        return self.counts("connections_closed_total", label: "reason").compactMap { reason, count in
            rates[reason].map { StatusReport.Quota(scope: reason, rate: $0, refused: count) }
        }
    }

    private func rejections() -> [StatusReport.Rejection] {
        self.counts("rejected_total", label: "reason").filter { $0.count > 0 }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
            .map { StatusReport.Rejection(reason: $0.name, count: $0.count) }
    }

    /// A counter's series by one of its labels.
    private func counts(_ metric: String, label: String) -> [(name: String, count: UInt64)] {
        let snapshot = self.server.snapshot()
        return self.server.schema.series(of: metric).compactMap { labels, cell in
            labels.first { $0.name == label }.map { ($0.value, snapshot.value(cell)) }
        }
    }

    // MARK: Limits

    func limits() -> LimitsReport {
        let ceiling = self.server.memoryCeiling
        return LimitsReport(
            limits: self.reloader.running.rows.filter { Self.isLimit($0.key) }.map { row in
                LimitsReport.Limit(key: row.key, value: row.value, from: row.origin.description)
            },
            memory: LimitsReport.Sum(
                terms: ceiling.terms.map { .init(name: $0.name, count: $0.count, unit: $0.unit, each: $0.bytesEach) }),
            descriptors: self.budget.report(connectionsMax: self.server.live.limits.connectionsMax),
            descriptorsMax: self.budget.descriptorsMax)
    }

    /// Everything but names, places and how the log looks.
    private static func isLimit(_ key: String) -> Bool {
        let tables = ["limits.", "quota.", "cost.", "overload.", "tenant."]
        return key == "oap_concurrency" || key == "workers" || tables.contains { key.hasPrefix($0) }
    }
}

extension Quota {
    /// `1000/s burst 200`.
    var text: String {
        let rate = Int(exactly: self.perSecond).map(String.init) ?? String(self.perSecond)
        return "\(rate)/s burst \(self.burst)"
    }
}

extension ByteQuota {
    /// `10MiB/s burst 20MiB`.
    var text: String { "\(ByteSizeText.render(self.perSecond))/s burst \(ByteSizeText.render(self.burst))" }
}
