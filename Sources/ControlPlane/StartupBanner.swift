internal import Admission
internal import Gateway
internal import GatewayRuntime
internal import IndexStore
internal import Logging
internal import OAP
internal import Settings

/// The lines of a start, at most 15: what an operator asks first when something is odd.
struct StartupBanner: Sendable {
    let logger: Logger

    func begin(_ loaded: LoadedSettings) {
        self.logger.info(
            "svc-gateway",
            metadata: [
                "version": "\(ServiceVersion.number)", "commit": "\(ServiceVersion.commit)",
                "config": "\(loaded.file ?? "defaults")",
            ])
        for warning in loaded.warnings { self.logger.warning("\(warning)") }
    }

    func started(_ server: GatewayServer, _ index: IndexSource, _ settings: GatewaySettings, adminAddress: String) {
        let (configuration, live) = (server.configuration, server.live)
        self.logger.info("listening", metadata: ["oap_addr": "\(server.address)", "transport": "tcp"])
        var backend: Logger.Metadata = ["io": "\(server.backend.kind.rawValue)", "reason": "\(server.backend.reason)"]
        if !server.backend.features.isEmpty {
            backend["features"] = "\(server.backend.features.joined(separator: ","))"
        }
        self.logger.info("backend", metadata: backend)
        self.logger.info("workers", metadata: ["workers": "\(configuration.workersCount)"])
        if let environment = index.environment {
            self.logger.info(
                "index",
                metadata: [
                    "index_path": "\(index.path)", "records": "\(environment.recordCount)",
                    "bytes": "\(environment.dataFileBytes)",
                ])
        }
        self.logger.info(
            "limits",
            metadata: [
                "oap_concurrency": "\(live.policy.openMax)",
                "max_inflight": "\(live.policy.inflightPerConnectionMax)",
                "connections_max": "\(live.limits.connectionsMax)",
                "max_frame": "\(live.limits.frameBytesMax)",
            ])
        self.logger.info(
            "quotas",
            metadata: [
                "global": "\(Self.text(settings.quotas.global))", "tenant": "\(Self.text(settings.quotas.tenant.requests))",
                "connection": "\(Self.text(settings.quotas.connection))",
            ])
        let mebibytes = (server.memoryCeiling.bytes + (1 << 20) - 1) >> 20
        self.logger.info(
            "memory ceiling",
            metadata: [
                "ceiling": "\(mebibytes)MiB", "buffer_memory_max": "\(configuration.bufferBytesMax >> 20)MiB",
                "note": "the index is mapped and comes on top, as page cache",
            ])
        self.logger.info("admin", metadata: ["metrics": "http://\(adminAddress)/metrics"])
    }

    private static func text(_ quota: Quota?) -> String {
        guard let quota else { return "off" }
        return "\(quota.perSecond)/s burst \(quota.burst)"
    }
}
