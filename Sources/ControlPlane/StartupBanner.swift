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

    func started(
        _ server: GatewayServer, _ index: IndexSource?, _ settings: GatewaySettings, adminAddress: String,
        controlPath: String?
    ) {
        let configuration = server.configuration
        let live = server.live
        let transport = configuration.unixPath == nil ? "tcp" : "unix"
        self.logger.info("listening", metadata: ["oap_addr": "\(server.listensOn)", "transport": "\(transport)"])
        var backend: Logger.Metadata = ["io": "\(server.backend.kind.rawValue)", "reason": "\(server.backend.reason)"]
        if !server.backend.features.isEmpty {
            backend["features"] = "\(server.backend.features.joined(separator: ","))"
        }
        self.logger.info("backend", metadata: backend)
        self.logger.info("workers", metadata: ["workers": "\(configuration.workersCount)"])
        if case .remote = settings.index { self.logger.info("index", metadata: ["index": "\(settings.index)"]) }
        if let index, let environment = index.environment {
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
                "global": "\(settings.quotas.global?.text ?? "off")",
                "tenant": "\(settings.quotas.tenant.requests?.text ?? "off")",
                "connection": "\(settings.quotas.connection?.text ?? "off")",
            ])
        let mebibytes = (server.memoryCeiling.bytes + (1 << 20) - 1) >> 20
        self.logger.info(
            "memory ceiling",
            metadata: [
                "ceiling": "\(mebibytes)MiB", "buffer_memory_max": "\(configuration.bufferBytesMax >> 20)MiB",
                "note": "the index is mapped and comes on top, as page cache",
            ])
        self.logger.info(
            "admin", metadata: ["metrics": "http://\(adminAddress)/metrics", "control": "\(controlPath ?? "off")"])
    }
}
