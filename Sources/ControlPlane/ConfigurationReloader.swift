internal import Admission
internal import ControlProtocol
internal import Gateway
internal import GatewayRuntime
internal import Logging
internal import Settings
internal import Synchronization

/// Reads the configuration again, validates it whole, and lets every worker take what may change while it serves; or
/// nothing changes and everybody is told why. SIGHUP and `POST /v1/reload` both come here, one after the other.
actor ConfigurationReloader {
    private struct State {
        var running: LoadedSettings
        var pending: [SettingChange] = []
        var adopted = 0
        var refused = 0
    }

    /// As the process was started: the same flags and environment, and whatever stands in the file by now.
    private let load: @Sendable () throws(SettingsErrors) -> LoadedSettings
    private let server: GatewayServer
    private let logger: Logger
    private let connectionsMaxAtStart: Int
    /// Read by any thread, written here only.
    private let state: Mutex<State>

    private static let changesLoggedMax = 20
    /// Workers take it at their next turn; one that does not is behind, and the answer says so.
    private static let patienceMilliseconds = 2000

    init(
        running: LoadedSettings, server: GatewayServer, logger: Logger,
        load: @escaping @Sendable () throws(SettingsErrors) -> LoadedSettings
    ) {
        self.state = Mutex(State(running: running))
        self.server = server
        self.connectionsMaxAtStart = running.settings.limits.connectionsMax
        self.logger = logger
        self.load = load
    }

    /// What is in effect.
    nonisolated var running: LoadedSettings { self.state.withLock { $0.running } }
    /// Keys whose values in the file wait for a restart, as of the last reload.
    nonisolated var restartNeeded: [String] { self.state.withLock { $0.pending.map(\.key) } }
    nonisolated var reloads: (adopted: Int, refused: Int) { self.state.withLock { ($0.adopted, $0.refused) } }

    /// - Parameter by: who asked, for the log: `SIGHUP`.
    func reload(by asker: String) async -> ReloadReport {
        let transition: SettingsTransition
        do throws(SettingsErrors) {
            transition = try self.nextTransition()
        } catch {
            return self.refused(error, by: asker)
        }
        if !transition.changes.isEmpty { self.adopt(transition.settings.settings) }
        self.state.withLock { state in
            state.running = transition.settings
            state.pending = transition.pending
            state.adopted += 1
        }
        var report = ReloadReport(
            result: transition.changes.isEmpty && transition.pending.isEmpty ? .unchanged : .reloaded,
            epoch: self.server.epoch, file: transition.settings.file,
            changes: transition.changes.map(ReloadReport.Change.init),
            restartNeeded: transition.pending.map(ReloadReport.Change.init),
            warnings: transition.settings.warnings.map(\.description))
        report.workersBehind = await self.workersBehind(report.epoch)
        self.updated(report, by: asker)
        return report
    }

    // MARK: The new settings

    private func nextTransition() throws(SettingsErrors) -> SettingsTransition {
        let running = self.running
        let loaded = try self.load()
        if let file = running.file, loaded.file != file {
            // Without this, a file that was renamed away would turn every setting back to its default.
            let now = loaded.file.map { "\($0) would be read in its place" } ?? "defaults would take its place"
            throw SettingsErrors(problems: [
                SettingsProblem(
                    place: .file(path: file, nil), severity: .error,
                    sentence: "the file that runs is gone, and \(now); put it back, or restart to do without it")
            ])
        }
        return try running.transition(to: loaded, holding: self.keysHeld(loaded.settings))
    }

    /// Maxima above what the start made room for.
    private func keysHeld(_ settings: GatewaySettings) -> Set<String> {
        var held: Set<String> = []
        let configuration = self.server.configuration
        // The start's own value may be above what there were descriptors for; it may come back.
        if settings.limits.connectionsMax > max(configuration.connectionsCapacity, self.connectionsMaxAtStart) {
            held.insert("limits.connections_max")
        }
        if settings.oapConcurrency + settings.overload.queueMax > configuration.openCapacity {
            held.formUnion(["oap_concurrency", "overload.queue_max"])
        }
        return held
    }

    private func adopt(_ settings: GatewaySettings) {
        LogSetup.level = Logger.Level(settings.logLevel)
        self.server.adopt(ServicePlan.live(settings, connectionsMax: self.server.configuration.connectionsCapacity))
    }

    private func workersBehind(_ epoch: Int) async -> Int {
        func count() -> Int { self.server.reports.count { $0.epoch < epoch } }
        for _ in 0..<(Self.patienceMilliseconds / 5) where count() > 0 {
            try? await Task.sleep(for: .milliseconds(5))
        }
        return count()
    }

    // MARK: Who is told

    /// The one place that tells of a configuration that took effect; ConfigUpdated belongs here.
    private func updated(_ report: ReloadReport, by asker: String) {
        var metadata: Logger.Metadata = ["epoch": "\(report.epoch)", "by": "\(asker)"]
        metadata["config"] = report.file.map { "\($0)" }
        if !report.changes.isEmpty { metadata["changes"] = "\(Self.text(report.changes))" }
        if !report.restartNeeded.isEmpty { metadata["restart_needed"] = "\(Self.text(report.restartNeeded))" }
        if report.workersBehind > 0 { metadata["workers_behind"] = "\(report.workersBehind)" }
        for warning in report.warnings { self.logger.warning("\(warning)") }
        let message =
            report.result == .unchanged ? "configuration reloaded: nothing has changed" : "configuration reloaded"
        self.logger.notice("\(message)", metadata: metadata)
    }

    private func refused(_ errors: SettingsErrors, by asker: String) -> ReloadReport {
        self.state.withLock { $0.refused += 1 }
        let problems = errors.description.split(separator: "\n").map(String.init)
        for problem in problems.prefix(Self.changesLoggedMax) { self.logger.error("\(problem)") }
        self.logger.error(
            "configuration not reloaded: the running one stays",
            metadata: ["errors": "\(errors.problems.count)", "epoch": "\(self.server.epoch)", "by": "\(asker)"])
        return ReloadReport(result: .refused, epoch: self.server.epoch, file: self.running.file, problems: problems)
    }

    /// `limits.max_inflight: 64 -> 32, …`.
    private static func text(_ changes: [ReloadReport.Change]) -> String {
        let listed = changes.prefix(self.changesLoggedMax).map { "\($0.key): \($0.old ?? "-") -> \($0.new ?? "-")" }
        let more = changes.count - listed.count
        return listed.joined(separator: ", ") + (more > 0 ? ", and \(more) more" : "")
    }
}

extension ReloadReport.Change {
    init(_ change: SettingChange) { self.init(key: change.key, old: change.old, new: change.new) }
}

extension Logger.Level {
    /// The names are the same.
    init(_ level: LogLevel) { self = Logger.Level(rawValue: level.rawValue) ?? .info }
}
