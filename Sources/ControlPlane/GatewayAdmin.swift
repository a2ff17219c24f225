internal import Foundation
internal import Gateway
internal import GatewayRuntime
internal import IndexStore
internal import Settings
internal import Synchronization
internal import Telemetry

/// What the admin port shows of a running gateway.
final class GatewayAdmin: AdminSource {
    let server: GatewayServer
    /// Nil when lookups are forwarded.
    let index: IndexSource?
    let health: HealthMonitor
    let reloader: ConfigurationReloader
    let built: VersionReport

    init(
        server: GatewayServer, index: IndexSource?, health: HealthMonitor, reloader: ConfigurationReloader,
        version: VersionReport
    ) {
        self.server = server
        self.index = index
        self.health = health
        self.reloader = reloader
        self.built = version
    }

    func version() -> VersionReport { self.built }

    func readiness() -> ReadinessReport { self.health.report }

    func metricsText() -> String {
        PrometheusText.render(
            schema: self.server.schema, snapshot: self.server.snapshot(),
            process: self.configured + self.used + self.pressed + self.tenants + self.process,
            commonLabels: [MetricLabel("service", "svc-gateway")])
    }

    func resolve(key: String) async -> AdminResolution {
        await withCheckedContinuation { continuation in
            self.server.resolve(key: Array(key.utf8)) { answer in
                switch answer {
                case .record(let json): continuation.resume(returning: .record(json))
                case .refused(let status, let code, let message, let retryable, let retryAfter):
                    continuation.resume(
                        returning: .refused(
                            status: Int(status), code: code, message: message, retryable: retryable,
                            retryAfterMilliseconds: retryAfter.map { Int($0) }))
                }
            }
        }
    }
}
