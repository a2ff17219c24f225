internal import Admission
internal import GatewayRuntime
internal import Logging
internal import OAP

/// Turns what the data path tells into log lines. Called on workers' threads; a line is queued, never waited for.
struct EventLog: Sendable {
    let logger: Logger

    func tell(_ event: RuntimeEvent) {
        switch event {
        case .headerRefused(let peer, let code, let looksLike, let correlation):
            var metadata: Logger.Metadata = ["code": "\(code.name)", "corr_id": "\(correlation)"]
            metadata["peer"] = peer.map { "\($0)" }
            metadata["looks_like"] = looksLike.map { "\($0.rawValue)" }
            self.logger.notice("connection refused: not an OAP/1 frame", metadata: metadata)
        case .indexFailed(let correlation, let detail):
            self.logger.error("index_unavailable", metadata: ["corr_id": "\(correlation)", "cause": "\(detail)"])
        case .backendFailed(let detail):
            self.logger.error(
                "no connection to the backend; lookups are answered index_unavailable until there is one",
                metadata: ["cause": "\(detail)"])
        case .backendRecovered: self.logger.notice("connected to the backend again")
        case .internalFault(let correlation, let detail):
            self.logger.critical("internal fault", metadata: ["corr_id": "\(correlation)", "cause": "\(detail)"])
        case .connectionRefused(let open):
            self.logger.warning(
                "connection closed at once: connections_max are open", metadata: ["connections": "\(open)"])
        case .connectionShed(let peer, let reason):
            var metadata: Logger.Metadata = ["reason": "\(reason)"]
            metadata["peer"] = peer.map { "\($0)" }
            self.logger.warning("connection reset at once", metadata: metadata)
        case .acceptFailed(let error):
            self.logger.error("accepting failed; trying again", metadata: ["cause": "\(error)"])
        case .connectionEnded(let peer, let reason):
            var metadata: Logger.Metadata = ["reason": "\(reason)"]
            metadata["peer"] = peer.map { "\($0)" }
            self.logger.debug("connection ended by a limit", metadata: metadata)
        case .requestRefused(let correlation, let code):
            self.logger.debug("request refused", metadata: ["corr_id": "\(correlation)", "code": "\(code.name)"])
        case .pressure(let step):
            var metadata: Logger.Metadata = ["rung": "\(step.to.name)", "from": "\(step.from.name)"]
            metadata["by"] = step.reason.map { "\($0.name)" }
            self.logger.log(
                level: step.to > step.from ? .warning : .notice,
                step.to > step.from ? "pressure rises" : "pressure falls", metadata: metadata)
        case .suppressed(let count):
            self.logger.notice("events were not logged: too many at once", metadata: ["count": "\(count)"])
        case .workerFailed(let worker, let error):
            self.logger.critical("a worker has failed", metadata: ["worker": "\(worker)", "cause": "\(error)"])
        }
    }
}
