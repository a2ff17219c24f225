public import Admission
internal import Forwarding
internal import Gateway
public import Reactor
internal import Synchronization
public import Telemetry

/// Why the data path could not start.
public enum StartFailure: Error, Sendable, CustomStringConvertible {
    /// Somebody listens on the address already.
    case addressInUse(SocketAddress)
    case system(SystemError)

    public var description: String {
        switch self {
        case .addressInUse(let address):
            "another process already listens on \(address); stop it, or choose another address with --oap-addr"
        case .system(let error):
            "cannot start: \(error)\(Self.remedy(error))"
        }
    }

    private static func remedy(_ error: SystemError) -> String {
        switch (error.call, error.name) {
        case ("bind", "EADDRNOTAVAIL"):
            "; no interface of this machine has the address: set oap_addr (--oap-addr) to a local one"
        case ("bind", "EACCES"): "; this user may not bind that port: set oap_addr (--oap-addr) to one of 1024 or above"
        case (_, "EMFILE"), (_, "ENFILE"): "; raise the limit of open descriptors (ulimit -n, LimitNOFILE=)"
        case (_, "ENOMEM"): "; free memory, or lower workers (--workers)"
        default: ""
        }
    }
}

/// The running data path: its workers, and what other threads may ask of them. Any thread.
public final class GatewayServer: Sendable {
    public let backend: Backend
    /// As bound; of no use while it serves on a Unix socket.
    public let address: SocketAddress
    /// Where it serves, for people: `127.0.0.1:9444`, `unix:/run/ron/index.sock`.
    public var listensOn: String {
        self.configuration.unixPath.map { EndpointAddress.unix(path: $0).description } ?? self.address.description
    }
    public let configuration: RuntimeConfiguration
    public let reports: [WorkerReport]
    private let unix: UnixListener?
    private let shared: SharedState
    private let mailboxes: [Mailbox]
    private let threads: Mutex<[LoopThread]>
    private let nextWorker = Atomic<Int>(0)
    private let ranking = Mutex(TenantRanking())
    private let current: Mutex<(live: LiveConfiguration, epoch: Int)>

    /// Binds the address, once per worker, and starts the workers. Requests get `not_ready` until `serve`.
    ///
    /// - Parameters:
    ///   - makeIndex: called on each worker's thread with the worker's number.
    ///   - tell: called from the workers' threads; must not block.
    public static func start<I: WorkerIndex & ~Copyable>(
        _ configuration: RuntimeConfiguration, backend: Backend,
        makeIndex: @escaping @Sendable (Int) -> I, tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        try self.start(configuration, backend: backend, tell: tell) { seat in
            switch backend.kind {
            case .uring: seat.runUring(makeIndex)
            case .epoll: seat.runEpoll(makeIndex)
            }
        }
    }

    /// As `start`, on kernels of the caller's own: what a test needs to see one fail.
    ///
    /// - Parameters:
    ///   - backend: what the kernels are called in the banner and in metrics.
    ///   - makeKernel: called on each worker's thread with the worker's number.
    public static func start<K: Kernel & ~Copyable, I: WorkerIndex & ~Copyable>(
        _ configuration: RuntimeConfiguration, backend: Backend,
        makeKernel: @escaping @Sendable (Int) throws(SystemError) -> K,
        makeIndex: @escaping @Sendable (Int) -> I, tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        try self.start(configuration, backend: backend, tell: tell) { $0.run(makeIndex, makeKernel) }
    }

    private static func start(
        _ configuration: RuntimeConfiguration, backend: Backend, tell: @escaping @Sendable (RuntimeEvent) -> Void,
        run: @escaping @Sendable (WorkerSeat) -> Void
    ) throws(StartFailure) -> GatewayServer {
        do throws(SystemError) {
            let started = try Waker()
            var mailboxes: [Mailbox] = []
            for _ in 0..<configuration.workersCount { mailboxes.append(try Mailbox()) }
            // Last, since from here on descriptors are open that a thread has to take over.
            let listeners = try ListenerSet(configuration)
            let server = GatewayServer(
                backend: backend, address: listeners.address, unix: listeners.unix, mailboxes: mailboxes,
                configuration, tell)
            try server.launch(listeners, started, run)
            return server
        } catch {
            let isTaken = error.call == "bind" && error.code == ErrnoCode.addressInUse
            throw isTaken ? .addressInUse(configuration.address) : .system(error)
        }
    }

    /// As `start`, with the index of this process: the production form, specialised here.
    public static func startEmbedded(
        _ configuration: RuntimeConfiguration, backend: Backend, index: IndexSource,
        tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        try self.start(configuration, backend: backend, makeIndex: { _ in EmbeddedIndex(source: index) }, tell: tell)
    }

    /// As `start`, with lookups forwarded to `configuration.backend`, which need not be there yet.
    public static func startForwarding(
        _ configuration: RuntimeConfiguration, backend: Backend, tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        precondition(configuration.backend != nil, "nothing to forward to")
        return try self.start(configuration, backend: backend, makeIndex: { _ in RemoteIndex() }, tell: tell)
    }

    private init(
        backend: Backend, address: SocketAddress, unix: UnixListener?, mailboxes: [Mailbox],
        _ configuration: RuntimeConfiguration,
        _ tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) {
        let metrics = GatewayMetrics(
            backend: configuration.backend.map { _ in
                BackendMetrics.Labels(
                    failures: ForwardFailure.allCases.map(\.name), losses: DropReason.allCases.map(\.name))
            })
        self.backend = backend
        self.address = address
        self.unix = unix
        self.configuration = configuration
        self.reports = mailboxes.map { _ in WorkerReport(telemetry: TelemetryBank(schema: metrics.schema)) }
        self.shared = SharedState(configuration: configuration, metrics: metrics, reports: self.reports, tell: tell)
        self.mailboxes = mailboxes
        self.threads = Mutex([])
        self.current = Mutex((configuration.live, 1))
    }

    // MARK: Life

    /// Requests are taken from now on.
    public func serve() { self.post(.serve) }

    /// Stops accepting, tells clients to go away, finishes what is open, and ends within the drain deadline.
    public func drain() {
        self.unix?.removeFile()
        self.post(.drain)
    }

    /// Ends at once.
    public func stop() {
        self.unix?.removeFile()
        self.post(.stop)
    }

    /// Blocks until every worker has ended.
    public func join() {
        for thread in self.threads.withLock({ $0 }) { thread.join() }
        self.unix?.removeFile()
    }

    // MARK: Configuration

    /// What holds now, or as soon as every worker has taken it.
    public var live: LiveConfiguration { self.current.withLock { $0.live } }

    /// Counts the live configurations, from 1.
    public var epoch: Int { self.current.withLock { $0.epoch } }

    /// Makes `live` what every worker works by from its next turn on. Limits beyond what the start made room for
    /// (`RuntimeConfiguration.openCapacity`, `connectionsCapacity`) hold as far as the room goes.
    ///
    /// - Returns: the epoch that every `WorkerReport.epoch` reaches.
    @discardableResult
    public func adopt(_ live: LiveConfiguration) -> Int {
        self.current.withLock { current in
            var live = live
            let configuration = self.configuration
            live.limits.connectionsMax = min(live.limits.connectionsMax, configuration.connectionsCapacity)
            live.policy.waiting.lengthMax = min(live.policy.waiting.lengthMax, configuration.openCapacity - 1)
            live.policy.openMax = min(
                live.policy.openMax, configuration.openCapacity - live.policy.waiting.lengthMax)
            live.policy.criticalReserve = min(live.policy.criticalReserve, live.policy.openMax - 1)
            let now = MonotonicClock.nowNanoseconds()
            let snapshot = self.shared.admission.adopt(live.policy, nowNanoseconds: now, day: .now())
            self.shared.pressure.configure(live)
            current = (live, current.epoch + 1)
            self.post(
                .adopt(
                    LiveSnapshot(
                        epoch: current.epoch, admission: snapshot, limits: live.limits,
                        tellsRefusals: live.tellsRefusals)))
            return current.epoch
        }
    }

    /// The most user memory that the data path takes.
    public var memoryCeiling: MemoryCeiling { MemoryCeiling(self.configuration, live: self.live) }

    private func post(_ message: WorkerMessage) {
        for mailbox in self.mailboxes { mailbox.post(message) }
    }

    // MARK: Questions

    /// How hard the process is pressed, and by what.
    public var pressure: PressureStatus { self.shared.pressure.status }
    /// The rung that one input asks for by itself.
    public func pressureRung(of input: PressureLadder.Input) -> PressureLadder.Rung {
        self.shared.pressure.rung(for: input)
    }
    /// Most ordinary requests open at once by the adaptive limit; nil while it is off.
    public var adaptiveLimit: Int? { self.shared.pressure.adaptiveLimit }

    /// Requests open in the process.
    public var openCount: Int { self.shared.admission.concurrency.openCount }
    /// Client connections open in the process.
    public var connectionsOpen: Int { self.shared.connections.value }
    /// Connections that are counted for their source addresses: none without limits on those. Not for a scrape: it looks at the
    /// whole table.
    public var sourceSeatsTaken: Int { self.shared.admission.sourceSeatsTaken }
    /// Bytes that output and assembly blocks take, free ones included.
    public var bufferBytesUsed: Int { self.shared.budget.bytesUsed }
    public var schema: MetricSchema { self.shared.metrics.schema }
    public func snapshot() -> TelemetrySnapshot { TelemetrySnapshot.merging(self.reports.map(\.telemetry)) }

    /// What became of the requests of the most active tenants, and of all others together, since the start. Allocates: for those who
    /// scrape.
    public func tenantReport() -> TenantReport {
        let now = MonotonicClock.nowNanoseconds()
        return self.ranking.withLock { $0.merge(self.reports.map(\.tenants), nowNanoseconds: now) }
    }

    /// Looks a key up as a client's request would: same admission, same index, on one of the workers in turn.
    public func resolve(key: [UInt8], _ reply: @escaping @Sendable (AdminAnswer) -> Void) {
        let (number, _) = self.nextWorker.add(1, ordering: .relaxed)
        let mailbox = self.mailboxes[Int(UInt(bitPattern: number) % UInt(self.mailboxes.count))]
        let message = WorkerMessage.resolve(key: key, reply: reply)
        if !mailbox.post(message) { message.decline() }
    }

    /// Asks every worker to ask its index; `reply` is called once per worker, with nil when the index answered.
    public func probe(_ reply: @escaping @Sendable (IndexFailure?) -> Void) {
        let message = WorkerMessage.probe(reply: reply)
        for mailbox in self.mailboxes where !mailbox.post(message) { message.decline() }
    }

    // MARK: Threads

    /// Starts one thread per listener and waits until each one serves or has failed; then nothing is left of any.
    private func launch(
        _ listeners: ListenerSet, _ started: Waker, _ run: @escaping @Sendable (WorkerSeat) -> Void
    ) throws(SystemError) {
        let failure = FirstFailure()
        for (number, descriptor) in listeners.descriptors.enumerated() {
            let seat = WorkerSeat(
                number: number, descriptor: descriptor, address: listeners.address, shared: self.shared,
                mailbox: self.mailboxes[number], report: self.reports[number], started: started, failure: failure)
            do throws(SystemError) {
                let thread = try LoopThread(name: "oap-worker-\(number)") { run(seat) }
                self.threads.withLock { $0.append(thread) }
            } catch {
                listeners.close(from: number)
                failure.note(error)
                break
            }
        }
        while failure.error == nil && !self.reports.allSatisfy(\.hasStarted) {
            started.waitForWake(timeoutMilliseconds: 100)
        }
        guard let error = failure.error else { return }
        self.stop()
        self.join()
        throw error
    }
}
