internal import Admission
internal import Gateway
internal import OAP
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
            "cannot start: \(error)"
        }
    }
}

/// The running data path: its workers, and what other threads may ask of them. Any thread.
public final class GatewayServer: Sendable {
    public let backend: Backend
    /// As bound.
    public let address: SocketAddress
    public let configuration: RuntimeConfiguration
    public let reports: [WorkerReport]
    private let shared: SharedState
    private let mailboxes: [Mailbox]
    private let threads: Mutex<[LoopThread]>
    private let nextWorker = Atomic<Int>(0)

    /// Binds the address, once per worker, and starts the workers. Requests get `not_ready` until `serve`.
    ///
    /// - Parameters:
    ///   - makeIndex: called on each worker's thread with the worker's number.
    ///   - tell: called from the workers' threads; must not block.
    public static func start<I: WorkerIndex & ~Copyable>(
        _ configuration: RuntimeConfiguration, backend: Backend,
        makeIndex: @escaping @Sendable (Int) -> I, tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        let listeners = try ListenerSet(configuration)
        do throws(SystemError) {
            let shared = SharedState(configuration: configuration, tell: tell)
            let started = try Waker()
            let server = try GatewayServer(backend: backend, listeners: listeners, shared: shared)
            try server.launch(listeners, started, makeIndex)
            return server
        } catch {
            throw .system(error)
        }
    }

    /// As `start`, with the index of this process: the production form, specialised here.
    public static func startEmbedded(
        _ configuration: RuntimeConfiguration, backend: Backend, index: IndexSource,
        tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) throws(StartFailure) -> GatewayServer {
        try self.start(configuration, backend: backend, makeIndex: { _ in EmbeddedIndex(source: index) }, tell: tell)
    }

    private init(backend: Backend, listeners: ListenerSet, shared: SharedState) throws(SystemError) {
        var mailboxes: [Mailbox] = []
        for _ in listeners.descriptors { mailboxes.append(try Mailbox()) }
        self.backend = backend
        self.address = listeners.address
        self.configuration = shared.configuration
        self.shared = shared
        self.reports = mailboxes.map { _ in WorkerReport(telemetry: TelemetryBank(schema: shared.metrics.schema)) }
        self.mailboxes = mailboxes
        self.threads = Mutex([])
    }

    // MARK: Life

    /// Requests are taken from now on.
    public func serve() { self.post(.serve) }

    /// Stops accepting, tells clients to go away, finishes what is open, and ends within the drain deadline.
    public func drain() { self.post(.drain) }

    /// Ends at once.
    public func stop() { self.post(.stop) }

    /// Blocks until every worker has ended.
    public func join() {
        for thread in self.threads.withLock({ $0 }) { thread.join() }
    }

    private func post(_ message: WorkerMessage) {
        for mailbox in self.mailboxes { mailbox.post(message) }
    }

    // MARK: Questions

    /// Requests open in the process.
    public var openCount: Int { self.shared.admission.concurrency.openCount }
    /// Client connections open in the process.
    public var connectionsOpen: Int { self.shared.connections.value }
    /// Bytes that output and assembly blocks take, free ones included.
    public var bufferBytesUsed: Int { self.shared.budget.bytesUsed }
    public var schema: MetricSchema { self.shared.metrics.schema }
    public func snapshot() -> TelemetrySnapshot { TelemetrySnapshot.merging(self.reports.map(\.telemetry)) }

    /// Looks a key up as a client's request would: same admission, same index, on one of the workers in turn.
    public func resolve(key: [UInt8], _ reply: @escaping @Sendable (AdminAnswer) -> Void) {
        let (number, _) = self.nextWorker.add(1, ordering: .relaxed)
        let mailbox = self.mailboxes[Int(UInt(bitPattern: number) % UInt(self.mailboxes.count))]
        if !mailbox.post(.resolve(key: key, reply: reply)) {
            reply(
                .refused(
                    status: ErrorCode.draining.status, code: ErrorCode.draining.name,
                    message: ErrorCode.draining.sentence, retryable: true, retryAfterMilliseconds: 1000))
        }
    }

    /// Asks every worker to ask its index; `reply` is called once per worker, with nil when the index answered.
    public func probe(_ reply: @escaping @Sendable (IndexFailure?) -> Void) {
        for mailbox in self.mailboxes where !mailbox.post(.probe(reply: reply)) {
            reply(IndexFailure(code: .draining, detail: "the worker has ended"))
        }
    }

    // MARK: Threads

    /// Starts one thread per listener and waits until each one serves or has failed.
    private func launch<I: WorkerIndex & ~Copyable>(
        _ listeners: ListenerSet, _ started: Waker, _ makeIndex: @escaping @Sendable (Int) -> I
    ) throws(SystemError) {
        let failure = FirstFailure()
        for (number, descriptor) in listeners.descriptors.enumerated() {
            let seat = WorkerSeat(
                number: number, descriptor: descriptor, address: listeners.address, shared: self.shared,
                mailbox: self.mailboxes[number], report: self.reports[number], started: started, failure: failure)
            let kind = self.backend.kind
            let thread = try LoopThread(name: "oap-worker-\(number)") {
                switch kind {
                case .uring: seat.runUring(makeIndex)
                case .epoll: seat.runEpoll(makeIndex)
                }
            }
            self.threads.withLock { $0.append(thread) }
        }
        while !self.reports.allSatisfy(\.hasStarted) {
            if let error = failure.error {
                self.stop()
                self.join()
                throw error
            }
            started.waitForWake(timeoutMilliseconds: 100)
        }
    }
}
