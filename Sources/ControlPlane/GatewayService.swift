internal import Foundation
internal import Gateway
internal import GatewayRuntime
internal import IndexStore
internal import Logging
internal import Reactor
public import Settings

/// The whole process, from its settings to its exit status.
public struct GatewayService: Sendable {
    /// Exit statuses besides 0, after sysexits.h where it has one.
    private enum ExitStatus {
        /// Something that the gateway needs is not to be had: a port, a backend.
        static let unavailable: Int32 = 69
        /// A worker or the admin port failed while serving.
        static let software: Int32 = 70
    }

    private let loaded: LoadedSettings
    private let reload: @Sendable () throws(SettingsErrors) -> LoadedSettings
    private let logger: Logger
    private let startedAt = Date()
    private let started = ContinuousClock.now

    /// Starts logging; call once, first thing in the process.
    ///
    /// - Parameter reload: loads the settings again, from wherever `loaded` came; called from any thread.
    public init(
        _ loaded: LoadedSettings, reload: @escaping @Sendable () throws(SettingsErrors) -> LoadedSettings
    ) {
        LogSetup.bootstrap(
            format: loaded.settings.logFormat == .json ? .json : .text, level: Logger.Level(loaded.settings.logLevel))
        self.loaded = loaded
        self.reload = reload
        self.logger = Logger(label: "svc-gateway")
    }

    /// Serves until a signal ends it. Returns the exit status.
    public func run() async -> Int32 {
        let (ends, failures) = AsyncStream<Event>.makeStream()
        SignalWatch.start { failures.yield(.signal($0)) }
        let banner = StartupBanner(logger: self.logger)
        banner.begin(self.loaded)
        do {
            let plan = try ServicePlan(
                self.loaded.settings, descriptorsMax: ProcessFacts.raiseDescriptorLimit(),
                processors: ProcessFacts.processorsUsable)
            for note in plan.notes { self.logger.warning("\(note)") }
            let index = self.loaded.settings.embeddedIndexPath.map { IndexSource(path: $0) }
            let log = EventLog(logger: self.logger)
            let server = try Self.start(plan, index) {
                log.tell($0)
                if case .workerFailed = $0 { failures.yield(.failed) }
            }
            let parts = try self.assemble(server, index, plan.budget)
            await parts.health.check()
            server.serve()
            banner.started(
                server, index, self.loaded.settings, adminAddress: parts.admin.address,
                controlPath: parts.control?.path)
            return await self.serve(parts, ends) { failures.yield(.failed) }
        } catch {
            self.logger.critical("\(error)")
            return ExitStatus.unavailable
        }
    }

    /// - Parameter index: nil when lookups are forwarded.
    private static func start(
        _ plan: ServicePlan, _ index: IndexSource?, tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        guard let index else {
            return try GatewayServer.startForwarding(plan.configuration, backend: plan.backend, tell: tell)
        }
        return try GatewayServer.startEmbedded(plan.configuration, backend: plan.backend, index: index, tell: tell)
    }

    /// What a gateway runs on.
    private struct Parts: Sendable {
        let server: GatewayServer
        let health: HealthMonitor
        let reloader: ConfigurationReloader
        let admin: AdminServer
        /// Nil when the operator wants none.
        let control: ControlServer?
    }

    /// Binds what is left to bind; the data path ends when that fails.
    private func assemble(
        _ server: GatewayServer, _ index: IndexSource?, _ budget: DescriptorBudget
    ) throws -> Parts {
        let health = HealthMonitor(server: server, index: index, logger: self.logger)
        let version = ServiceVersion.report(ioBackend: server.backend.kind.rawValue, started: self.startedAt)
        let reloader = ConfigurationReloader(
            running: self.loaded, server: server, logger: self.logger, load: self.reload)
        do {
            let address = Reactor.SocketAddress(self.loaded.settings.metricsAddress)
            let admin = AdminServer(
                host: address.host, port: address.port,
                source: GatewayAdmin(
                    server: server, index: index, health: health, reloader: reloader, version: version),
                logger: self.logger)
            try admin.bind()
            let control = try self.loaded.controlSocketPath.map { path in
                let source = GatewayControl(
                    server: server, index: index, health: health, reloader: reloader, budget: budget,
                    version: version, metricsAddress: admin.address)
                return try ControlServer(
                    path: path, settings: self.loaded.settings, source: source, logger: self.logger)
            }
            return Parts(server: server, health: health, reloader: reloader, admin: admin, control: control)
        } catch {
            server.stop()
            server.join()
            throw error
        }
    }

    /// What ends a running gateway, or tries to.
    private enum Event: Sendable {
        case signal(SignalWatch.Signal)
        /// A worker or the admin port cannot go on.
        case failed
    }

    /// From readiness to the end.
    private func serve(
        _ parts: Parts, _ events: AsyncStream<Event>, failed: @escaping @Sendable () -> Void
    ) async -> Int32 {
        let servers = [(parts.admin, "admin port"), (parts.control?.server, "control socket")].compactMap {
            server, name in
            server.map { server in Task { await self.run(server, name, failed) } }
        }
        let healthTask = Task { await self.watch(parts.health) }
        var iterator = events.makeAsyncIterator()
        var status: Int32 = 0
        wait: while let event = await iterator.next() {
            switch event {
            case .signal(.hangUp):
                _ = await parts.reloader.reload(by: "SIGHUP")
            case .signal(.terminate(let name)):
                self.logger.notice("shutting down", metadata: ["signal": "\(name)"])
                break wait
            case .failed:
                // The other workers' clients get their answers; the exit status says that this was no orderly end.
                status = ExitStatus.software
                break wait
            }
        }
        let impatience = Task {
            for await event in events {
                guard case .signal(.terminate(let name)) = event else { continue }
                self.logger.warning("ending at once", metadata: ["signal": "\(name)"])
                parts.control?.remove()
                Self.exitAtOnce(130)
            }
        }
        healthTask.cancel()
        await self.finish(parts)
        for server in servers { await server.value }
        impatience.cancel()
        return status
    }

    private func run(_ server: AdminServer, _ name: String, _ failed: @Sendable () -> Void) async {
        do {
            try await server.run()
        } catch {
            // A gateway that nobody can watch is restarted rather than trusted.
            self.logger.critical("the \(name) has failed: \(error)")
            failed()
        }
    }

    /// Readiness fails, listeners close, clients are told, what is open is answered; the admin port goes last.
    private func finish(_ parts: Parts) async {
        parts.health.drainBegan()
        let open = parts.server.openCount
        let connections = parts.server.connectionsOpen
        parts.server.drain()
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                parts.server.join()
                continuation.resume()
            }
        }
        parts.admin.stop()
        parts.control?.stop()
        self.logger.notice(
            "stopped", metadata: ["open_at_signal": "\(open)", "connections_at_signal": "\(connections)"])
    }

    /// Asks once a second, and says each time that readiness changes.
    private func watch(_ health: HealthMonitor) async {
        var wasReady: Bool? = nil
        while !Task.isCancelled {
            let report = health.report
            if report.isReady != wasReady {
                if report.isReady {
                    let milliseconds = (ContinuousClock.now - self.started) / .milliseconds(1)
                    self.logger.info("ready=1", metadata: ["startup_ms": "\(Int(milliseconds.rounded(.up)))"])
                } else {
                    self.logger.warning("ready=0", metadata: ["reason": "\(report.reasons.joined(separator: "; "))"])
                }
                wasReady = report.isReady
            }
            try? await Task.sleep(for: .seconds(1))
            await health.check()
        }
    }

    private static func exitAtOnce(_ status: Int32) -> Never {
        LogSetup.flush(withinMilliseconds: 200)
        _exit(status)
    }
}
