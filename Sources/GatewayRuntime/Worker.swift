internal import Admission
internal import Forwarding
internal import Gateway
internal import OAP
internal import Reactor
internal import Telemetry

/// What all workers of a process share.
final class SharedState: Sendable {
    let configuration: RuntimeConfiguration
    let admission: IngressAdmission
    let metrics: GatewayMetrics
    let budget: MemoryBudget
    let connections: ConnectionCount
    let accepts: AcceptBucket
    let pressure: PressureMonitor
    let tell: @Sendable (RuntimeEvent) -> Void

    init(
        configuration: RuntimeConfiguration, metrics: GatewayMetrics, reports: [WorkerReport],
        tell: @escaping @Sendable (RuntimeEvent) -> Void
    ) {
        self.configuration = configuration
        self.admission = IngressAdmission(configuration.live.policy)
        self.metrics = metrics
        self.budget = MemoryBudget(bytesMax: configuration.bufferBytesMax)
        self.connections = ConnectionCount()
        self.accepts = AcceptBucket()
        self.pressure = PressureMonitor(
            configuration, reports: reports, concurrency: self.admission.concurrency, connections: self.connections)
        self.tell = tell
    }
}

/// One worker: a thread's loop over its own listener, sessions, buffers and timers. It carries out what the core orders.
///
/// ```
///  wait ──► completions ──► receive ──► decode ──► core.frame ──► order ──► index / answer ──► output
///   ▲                                                                                            │
///   └───────────── late answers, expiries ◄── one send per dirty session ◄───────────────────────┘
/// ```
struct Worker<K: Kernel & ~Copyable, I: WorkerIndex & ~Copyable>: ~Copyable {
    let shared: SharedState
    let mailbox: Mailbox
    let report: WorkerReport
    var kernel: K
    var index: I
    /// To the backend that lookups are forwarded to, if they are. Asked of `I` first, which costs nothing: to look at the value
    /// itself would copy it in each turn.
    var links: BackendLinks?
    var core: WorkerCore
    var pool: BlockPool
    var connections: Slab<Connection>
    var events: EventThrottle
    /// Nil once the listener is closed.
    var listener: Listener?
    var accepting = false
    /// When accepting is tried again after descriptors ran out; nil otherwise.
    var acceptRetryNanoseconds: UInt64? = nil
    var descriptorReserve = DescriptorReserve()
    /// True from the first accept that failed for want of descriptors until one has succeeded.
    var lacksDescriptors = false
    /// Slots with output to send at the end of the turn.
    var dirty: [UInt32] = []
    /// Slots whose receive ended for want of buffers, to be armed when this turn's are home.
    var rearm: [UInt32] = []
    /// Slots whose backlog has fallen: what they left undecoded is decoded at the end of the turn.
    var resumable: [UInt32] = []
    /// Slots that have spent their share of this turn, and those that had spent that of the turn before and have not been
    /// served since.
    var resting: [UInt32] = []
    var rested: [UInt32] = []
    /// Slots whose connection is to end; closed at the end of the turn, once nothing of theirs is in flight.
    var ended: [UInt32] = []
    var tellsRefusals: Bool
    var adminReplies: [Ticket: @Sendable (AdminAnswer) -> Void] = [:]
    /// The instant of this turn's reaping: the arrival of everything in it.
    var nowNanoseconds: UInt64
    /// Counts turns, so that a connection's share belongs to one.
    var turnNumber: UInt32 = 0
    var meter = LoopMeter()
    var stopping = false
    /// When expiries were last looked for.
    private var expiredNanoseconds: UInt64 = 0
    private var sleepBeganNanoseconds: UInt64 = 0
    /// How long it slept before this turn.
    private var sleptNanoseconds: UInt64 = 0
    /// Reused for the keys of resolve-many.
    var keyScratch = [UInt8](repeating: 0, count: IndexKey.bytesMax)
    /// Reused for the payloads of requests that have waited.
    var waitingScratch: [UInt8] = []

    /// How long full batches may put expiries off.
    private static var expiryRestNanoseconds: UInt64 { 1_000_000_000 }

    /// How often a worker with waiting requests looks for permits, when nothing else wakes it.
    private static var waitingPollNanoseconds: UInt64 { 500_000 }

    /// Completions of a turn that begins with a turn's worth of work: so few that reading what is mostly refused takes a small part of
    /// the time. What is not read fills the kernel's buffers, and the clients' windows close.
    private static var saturatedBatchMax: Int { 32 }

    /// About a quarter of a millisecond's worth.
    static var closesPerTurnMax: Int { 32 }

    /// Slot of the tokens that are not sessions'.
    static var listenerToken: Token { Token(slot: .max, generation: 1) }
    static var wakerToken: Token { Token(slot: .max, generation: 2) }

    init(
        shared: SharedState, mailbox: Mailbox, report: WorkerReport, kernel: consuming K, index: consuming I,
        listener: consuming Listener
    ) {
        self.shared = shared
        self.mailbox = mailbox
        self.report = report
        self.kernel = kernel
        self.index = index
        if I.isForwarded, let backend = shared.configuration.backend {
            self.links = BackendLinks(
                backend, exchangesMax: shared.configuration.openCapacity,
                frameBytesMax: shared.configuration.live.limits.frameBytesMax, seed: UInt64.random(in: .min ... .max))
        }
        self.listener = consume listener
        self.core = WorkerCore(
            limits: shared.configuration.live.limits, admission: shared.admission, metrics: shared.metrics,
            telemetry: report.telemetry, tenants: report.tenants, openCapacity: shared.configuration.openCapacity,
            answersAtOnce: I.answersAtOnce, transport: shared.configuration.unixPath == nil ? "tcp" : "unix")
        self.tellsRefusals = shared.configuration.live.tellsRefusals
        self.pool = BlockPool(budget: shared.budget)
        self.connections = Slab(capacity: shared.configuration.connectionsCapacity)
        self.events = EventThrottle(shared.tell)
        self.nowNanoseconds = MonotonicClock.nowNanoseconds()
    }

    /// Runs until a drain has ended or `stop` was posted. Throws when the kernel refuses to go on.
    mutating func run(started: Waker) throws(SystemError) {
        try self.kernel.attach(self.mailbox.waker, token: Self.wakerToken)
        if let descriptor = self.listener?.descriptor {
            try self.kernel.startAccepting(descriptor, token: Self.listenerToken)
            self.accepting = true
        }
        var batch = CompletionBatch()
        self.report.started()
        started.wake()
        while !self.isFinished {
            try self.turn(&batch)
        }
        self.finish()
    }

    private var isFinished: Bool {
        guard self.hasNoClients else { return false }
        guard I.isForwarded else { return true }
        switch self.links {
        case .some(let links): return links.links.count == 0
        case .none: return true
        }
    }

    /// True once nobody is left to serve, and nobody comes.
    var hasNoClients: Bool {
        guard self.connections.count == 0, !self.accepting, self.listener == nil else { return false }
        return self.stopping || (self.core.phase == .draining && self.core.openCount == 0)
    }

    /// Sleep, reap a bounded batch, handle each completion once, then send once per session that has something to
    /// send.
    private mutating func turn(_ batch: inout CompletionBatch) throws(SystemError) {
        batch.countMax = self.core.isSaturated ? Self.saturatedBatchMax : CompletionBatch.capacity
        let timeout = self.sleepNanoseconds()
        try self.kernel.wait(timeoutNanoseconds: timeout, into: &batch)
        let now = MonotonicClock.nowNanoseconds()
        if timeout == 0 { self.report.turnEnded(after: now - self.nowNanoseconds) }
        self.sleptNanoseconds = timeout == 0 ? 0 : now - self.sleepBeganNanoseconds
        self.nowNanoseconds = now
        self.turnNumber &+= 1
        self.core.rung = self.shared.pressure.rung
        if self.core.wantsDay(nowNanoseconds: now) { self.core.day = .now() }
        for position in 0..<batch.count {
            try self.handle(batch[position])
        }
        self.answerLate()
        self.serveWaiting()
        if I.isForwarded { self.serveLinks() }
        // Bytes of those who seem late may wait in the next batch: after a pause of the whole process they do.
        if !batch.isFull || self.nowNanoseconds - self.expiredNanoseconds > Self.expiryRestNanoseconds {
            self.expiredNanoseconds = self.nowNanoseconds
            self.expire()
        }
        self.resumePaused()
        self.resumeRested()
        self.core.endTurn(arrivalNanoseconds: self.nowNanoseconds, clock: MonotonicClock.nowNanoseconds)
        self.flushDirty()
        self.rearmReceives()
        try self.retryAccepting()
        self.closeEnded()
        if I.isForwarded { self.settleLinks() }
        self.index.endTurn()
        self.measure()
    }

    /// How long the next wait may sleep: 0 when work is left, nil when nothing is due. The clock that it reads is what the
    /// turn's length is measured by; a wait that does not sleep belongs to the turn, whose sends it may carry out.
    private mutating func sleepNanoseconds() -> UInt64? {
        guard
            self.resumable.isEmpty && self.rested.isEmpty && self.dirty.isEmpty && self.rearm.isEmpty
                && self.ended.isEmpty && !self.core.hasWork
        else { return 0 }
        var deadline = self.core.nextDeadlineNanoseconds()
        if let late = self.index.nextLateNanoseconds { deadline = min(deadline ?? .max, late) }
        if I.isForwarded, let order = self.nextOrderNanoseconds { deadline = min(deadline ?? .max, order) }
        if let retry = self.acceptRetryNanoseconds { deadline = min(deadline ?? .max, retry) }
        let now = MonotonicClock.nowNanoseconds()
        // Permits come back on other workers too, which do not tell.
        if self.core.hasWaiting { deadline = min(deadline ?? .max, now + Self.waitingPollNanoseconds) }
        // Pressure that has gone, and a backend that says nothing, are seen by nobody else.
        if self.core.rung > .normal || self.core.openCount > 0 {
            deadline = min(deadline ?? .max, now + PressureMonitor.sampleNanoseconds)
        }
        if let deadline, deadline <= now { return 0 }
        self.report.turnEnded(after: now - self.nowNanoseconds)
        self.sleepBeganNanoseconds = now
        guard let deadline else { return nil }
        return deadline - now
    }

    private mutating func handle(_ completion: Completion) throws(SystemError) {
        switch completion.kind {
        case .received where Self.isLink(completion.token): self.linkReceived(completion)
        case .sent where Self.isLink(completion.token): self.linkSendFinished(completion)
        case .received: self.receiveFinished(completion)
        case .sent: self.sendFinished(completion)
        case .accepted: try self.acceptFinished(completion)
        case .woken: self.openMailbox()
        case .cancelled: break
        }
    }

    /// Counts what the loop did, and publishes what other threads may ask.
    private mutating func measure() {
        let telemetry = self.core.telemetry
        self.events.tellSuppressed(nowNanoseconds: self.nowNanoseconds)
        telemetry.add(self.core.metrics.turns)
        telemetry.set(self.core.metrics.systemCalls, self.kernel.systemCallsTotal)
        telemetry.set(self.core.metrics.waiting, UInt64(self.core.waitingCount))
        if self.meter.isDue(nowNanoseconds: self.nowNanoseconds) {
            self.report.measured(busyNanoseconds: self.meter.busyNanoseconds(nowNanoseconds: self.nowNanoseconds))
            let times = self.core.takeServiceTimes()
            if let step = self.shared.pressure.tick(
                times, sleptNanoseconds: self.sleptNanoseconds, nowNanoseconds: self.nowNanoseconds)
            {
                self.core.rung = step.to
                self.shared.tell(.pressure(step))
            }
        }
        self.report.measured(
            buffersLent: self.kernel.buffersTotal - self.kernel.buffersHome, blocksUsed: self.pool.blocksUsed,
            blockBytes: self.pool.bytesUsed, connections: self.connections.count, open: self.core.openCount)
    }

    /// The last act on this thread: whoever still waits for a reply gets one.
    mutating func finish() {
        for message in self.mailbox.close() { message.decline() }
        for (_, reply) in self.adminReplies { reply(.draining) }
        self.adminReplies = [:]
        self.measure()
    }

    /// The last act of a worker whose kernel has failed: clients learn of it at once, and what the process counts of them
    /// is given back, so that the other workers may have it. Returns the descriptors of the listener and of all
    /// connections. They are the caller's to close once this worker, and the kernel with what it has in flight, is gone.
    mutating func abandon() -> [Int32] {
        self.stopping = true
        var descriptors: [Int32] = []
        if let listener = self.listener.take() {
            let descriptor = listener.intoDescriptor()
            // From now on the other listeners of the port get its share of connections. A Unix socket's are one.
            if self.shared.configuration.unixPath == nil { self.kernel.abort(descriptor) }
            descriptors.append(descriptor)
        }
        for slot in 0..<self.connections.slotsTouched {
            guard let key = self.connections.key(ofSlot: slot) else { continue }
            let descriptor = self.connections[slot: slot].descriptor
            self.kernel.abort(descriptor)
            descriptors.append(descriptor)
            self.connections[slot: slot].releaseBlocks(to: &self.pool)
            self.core.disconnected(slot, reason: .error, nowNanoseconds: self.nowNanoseconds)
            self.shared.connections.give()
            _ = self.connections.remove(key)
        }
        descriptors += self.abandonLinks()
        // A turn that failed may hold tokens of other workers' tenants.
        self.core.endTurn(arrivalNanoseconds: self.nowNanoseconds, clock: MonotonicClock.nowNanoseconds)
        self.finish()
        return descriptors
    }
}
