internal import Admission
internal import Forwarding
public import GatewayRuntime
public import Reactor
internal import Synchronization
internal import Telemetry

/// A gateway in this process on a port of its own, checked for leftovers when it has ended.
///
/// ```swift
/// try TestGateway.run(.epoll, configure: { $0.live.policy.openMax = 1 }) { gateway in
///     var client = try gateway.connect()
///     …
/// }
/// ```
public final class TestGateway: Sendable {
    public let server: GatewayServer
    private let told: EventLog
    private let allowsInternalFaults: Bool
    /// Never woken: what a wait sleeps on, made at the start so that waiting takes no descriptor.
    private let pause: Waker

    /// Something that is still there after every worker has ended.
    public struct Leftovers: Error, CustomStringConvertible {
        public let problems: [String]
        public var description: String { self.problems.joined(separator: "; ") }
    }

    private init(_ server: GatewayServer, _ told: EventLog, allowsInternalFaults: Bool) throws(SystemError) {
        self.pause = try Waker()
        self.server = server
        self.told = told
        self.allowsInternalFaults = allowsInternalFaults
    }

    public var address: SocketAddress { self.server.address }
    public func connect() throws(SystemError) -> RawClient { try RawClient(self.server.address) }
    /// - Parameter source: an address of this machine, such as 127.0.0.2.
    public func connect(from source: String) throws(SystemError) -> RawClient {
        try RawClient(self.server.address, from: source)
    }
    /// What the workers have told so far.
    public var events: [RuntimeEvent] { self.told.all }

    /// The value of a series as a scrape would show it, such as `connections_closed_total{reason="peer"}`; nil when there is
    /// none of that name.
    public func metric(_ series: String) -> UInt64? {
        let page = PrometheusText.render(
            schema: self.server.schema, snapshot: self.server.snapshot(), process: [], commonLabels: [])
        let line = page.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { UInt64($0.dropFirst(series.utf8.count + 1)) }
    }

    /// Runs `body` against a gateway with two workers and a scripted index. Ends it, and throws `Leftovers` unless
    /// every permit, buffer, block and connection is back.
    ///
    /// - Parameters:
    ///   - serving: whether it takes requests; otherwise they get `not_ready`.
    ///   - allowsInternalFaults: for tests that provoke one; otherwise a fault that was told is a leftover.
    public static func run(
        _ kind: Backend.Kind, serving: Bool = true, allowsInternalFaults: Bool = false,
        configure: (inout RuntimeConfiguration) -> Void = { _ in }, _ body: (TestGateway) throws -> Void
    ) throws {
        try self.run(
            kind, serving: serving, allowsInternalFaults: allowsInternalFaults, configure: configure,
            index: { _ in ScriptedIndex() }, body)
    }

    /// As above with an index of the test's own, made once per worker.
    public static func run<I: WorkerIndex & ~Copyable>(
        _ kind: Backend.Kind, serving: Bool = true, allowsInternalFaults: Bool = false,
        configure: (inout RuntimeConfiguration) -> Void = { _ in }, index: @escaping @Sendable (Int) -> I,
        _ body: (TestGateway) throws -> Void
    ) throws {
        try self.run(
            kind, serving: serving, allowsInternalFaults: allowsInternalFaults, configure: configure,
            start: { configuration, backend, tell in
                try GatewayServer.start(configuration, backend: backend, makeIndex: index, tell: tell)
            }, body)
    }

    /// As above with lookups forwarded to a backend, which need not be there.
    ///
    /// - Parameter patienceNanoseconds: how long a lookup waits for a connection with room.
    public static func run(
        _ kind: Backend.Kind, forwardingTo endpoints: [EndpointAddress], patienceNanoseconds: UInt64 = 1_000_000_000,
        configure: (inout RuntimeConfiguration) -> Void = { _ in }, _ body: (TestGateway) throws -> Void
    ) throws {
        try self.run(
            kind, serving: true, allowsInternalFaults: false,
            configure: {
                var backend = BackendConfiguration(endpoints: endpoints)
                // Tests that wait for a backend, or for the lack of one, hold a thread of few.
                backend.settings.patienceNanoseconds = patienceNanoseconds
                backend.settings.reconnectBaseNanoseconds = 5_000_000
                backend.settings.reconnectBusyMaxNanoseconds = 20_000_000
                backend.settings.reconnectIdleMaxNanoseconds = 20_000_000
                backend.settings.ejectionBaseNanoseconds = 20_000_000
                backend.settings.ejectionMaxNanoseconds = 50_000_000
                $0.backend = backend
                configure(&$0)
            },
            start: { configuration, backend, tell in
                try GatewayServer.startForwarding(configuration, backend: backend, tell: tell)
            }, body)
    }

    /// As above with one worker whose turns `gate` lets pass.
    public static func run(
        _ kind: Backend.Kind, gate: TurnGate, configure: (inout RuntimeConfiguration) -> Void = { _ in },
        _ body: (TestGateway) throws -> Void
    ) throws {
        try self.run(kind, turnHook: gate.hook, configure: configure) { gateway in
            defer { gate.open() }
            try body(gateway)
        }
    }

    /// As above with one worker that is told of its clients' addresses what `peerAddress` says.
    public static func run(
        _ kind: Backend.Kind, peerAddress: @escaping @Sendable (UInt128?) -> UInt128?,
        configure: (inout RuntimeConfiguration) -> Void = { _ in }, _ body: (TestGateway) throws -> Void
    ) throws {
        try self.run(
            kind, turnHook: { (time) in time }, peerAddress: peerAddress, configure: configure, body)
    }

    /// With one worker on a kernel that asks the hooks.
    private static func run(
        _ kind: Backend.Kind, turnHook: @escaping @Sendable (UInt64?) throws(SystemError) -> UInt64?,
        peerAddress: (@Sendable (UInt128?) -> UInt128?)? = nil, configure: (inout RuntimeConfiguration) -> Void,
        _ body: (TestGateway) throws -> Void
    ) throws {
        let one = { (configuration: inout RuntimeConfiguration) in
            configure(&configuration)
            configuration.workersCount = 1
        }
        try self.run(
            kind, serving: true, allowsInternalFaults: false, configure: one,
            start: { configuration, backend, tell in
                let limits = configuration.kernelLimits
                switch backend.kind {
                case .uring:
                    return try GatewayServer.start(
                        configuration, backend: backend,
                        makeKernel: { (_) throws(SystemError) in
                            HookedKernel(try UringKernel(limits: limits), peerAddress: peerAddress, turnHook)
                        },
                        makeIndex: { _ in ScriptedIndex() }, tell: tell)
                case .epoll:
                    return try GatewayServer.start(
                        configuration, backend: backend,
                        makeKernel: { (_) throws(SystemError) in
                            HookedKernel(try EpollKernel(limits: limits), peerAddress: peerAddress, turnHook)
                        },
                        makeIndex: { _ in ScriptedIndex() }, tell: tell)
                }
            }, body)
    }

    private static func run(
        _ kind: Backend.Kind, serving: Bool, allowsInternalFaults: Bool,
        configure: (inout RuntimeConfiguration) -> Void,
        start: (RuntimeConfiguration, Backend, @escaping @Sendable (RuntimeEvent) -> Void) throws -> GatewayServer,
        _ body: (TestGateway) throws -> Void
    ) throws {
        var configuration = RuntimeConfiguration(
            address: SocketAddress(host: "127.0.0.1", port: 0), workersCount: 2)
        // Most tests of limits want to be refused at them, and say so when they do not.
        configuration.live.policy.waiting.lengthMax = 0
        // A paused machine is pressure too, and most tests are not about it.
        configuration.pressure = .unreachable
        configure(&configuration)
        let told = EventLog()
        let backend = try Backend.probe(.only(kind), uringFeatures: configuration.uringFeatures)
        let server = try start(configuration, backend) { told.append($0) }
        let gateway = try TestGateway(server, told, allowsInternalFaults: allowsInternalFaults)
        if serving { server.serve() }
        do {
            if serving { try gateway.waitUntilServing() }
            try body(gateway)
        } catch {
            server.stop()
            server.join()
            throw error
        }
        server.stop()
        server.join()
        try gateway.checkLeftovers()
    }

    /// `serve` is a letter to each worker: it counts once every worker has read it.
    private func waitUntilServing() throws {
        let answered = Atomic<Int>(0)
        self.server.probe { _ in answered.add(1, ordering: .releasing) }
        try self.wait(for: "every worker to serve") {
            answered.load(ordering: .acquiring) == self.server.reports.count
        }
    }

    /// Polls until `condition` holds; throws after ten seconds, which is a failure and never a measure.
    public func wait(for what: String, _ condition: () -> Bool) throws {
        for _ in 0..<5000 {
            if condition() { return }
            self.pause.waitForWake(timeoutMilliseconds: 2)
        }
        throw Leftovers(problems: ["waited ten seconds in vain for \(what)"])
    }

    /// Changes what a reload can, and waits until every worker goes by it.
    public func adopt(_ change: (inout LiveConfiguration) -> Void) throws {
        var live = self.server.live
        change(&live)
        let epoch = self.server.adopt(live)
        try self.wait(for: "every worker to adopt") { self.server.reports.allSatisfy { $0.epoch == epoch } }
    }

    /// Waits until nothing is open and everything that connections borrowed is back, with the gateway still running.
    public func waitUntilQuiet(connections: Int = 0) throws {
        try self.wait(for: "the gateway to be quiet with \(connections) connections") {
            self.server.openCount == 0 && self.server.connectionsOpen == connections
                && self.server.reports.allSatisfy { $0.buffersLent == 0 && $0.blocksUsed == 0 && $0.open == 0 }
        }
    }

    private func checkLeftovers() throws {
        var problems: [String] = []
        if self.server.openCount != 0 { problems.append("\(self.server.openCount) permits are out") }
        if self.server.sourceSeatsTaken != 0 {
            problems.append("\(self.server.sourceSeatsTaken) source seats are taken")
        }
        if self.server.connectionsOpen != 0 { problems.append("\(self.server.connectionsOpen) connections are open") }
        for (number, report) in self.server.reports.enumerated() {
            if report.buffersLent != 0 { problems.append("worker \(number): \(report.buffersLent) buffers are lent") }
            if report.blocksUsed != 0 { problems.append("worker \(number): \(report.blocksUsed) blocks are in use") }
            if report.connections != 0 { problems.append("worker \(number): \(report.connections) connections") }
        }
        let sockets = SocketTable.ownSocketsBound(toPort: self.address.port)
        if sockets != 0 { problems.append("\(sockets) sockets of port \(self.address.port) are open") }
        for case .internalFault(_, let detail) in self.events where !self.allowsInternalFaults {
            problems.append("internal fault: \(detail)")
        }
        for case .workerFailed(let worker, let error) in self.events {
            problems.append("worker \(worker) failed: \(error)")
        }
        if !problems.isEmpty { throw Leftovers(problems: problems) }
    }
}

/// What the workers tell, kept in order. Any thread.
final class EventLog: Sendable {
    private let events = Mutex<[RuntimeEvent]>([])

    var all: [RuntimeEvent] { self.events.withLock { $0 } }
    func append(_ event: RuntimeEvent) { self.events.withLock { $0.append(event) } }
}
