public import Admission
public import OAP
public import Telemetry

/// Whether the process takes requests. Worker by worker the same, set by the runtime.
public enum ServicePhase: UInt8, Sendable {
    /// The index has not been asked yet: requests get `not_ready`.
    case starting
    case serving
    /// What is open is finished; requests get `draining`.
    case draining
}

/// The gateway's core for one worker, without I/O: frames and time in, orders out.
///
/// The runtime decodes a connection's bytes into frames, hands each one to `frame`, and carries out the order. What
/// is admitted stays open, under a ticket, until `finish` or `fail`. One thread; time is the monotonic clock in
/// nanoseconds.
public struct WorkerCore: ~Copyable {
    public internal(set) var limits: GatewayLimits
    public let metrics: GatewayMetrics
    public let telemetry: TelemetryBank
    /// What became of each tenant's requests; behind by what this turn has done.
    public let tenants: TenantActivity
    public private(set) var decoder: FrameDecoder
    /// The HELLO reply's payload.
    public private(set) var helloPayload: [UInt8]
    public internal(set) var phase = ServicePhase.starting
    /// When the drain's time is up; meaningful exactly while `phase == .draining`.
    public internal(set) var drainDeadlineNanoseconds: UInt64 = 0

    /// By `Refusal.template`.
    public let errorTemplates = WorkerCore.makeErrorTemplates()
    /// Today, for quotas that count by the day; the caller replaces it while `wantsDay`.
    public var day = UTCDay.unknown
    /// How hard the worker is pressed: from `shedLowPriority` on, some requests are refused before anything else is asked.
    public var rung = PressureLadder.Rung.normal

    let concurrency: ConcurrencyLimit
    var policy: AdmissionSnapshot
    /// Of `policy`, which is asked for each frame.
    var connectionRate: TokenRate?
    var indexCost: RequestCost
    /// True when a single lookup is never pending: it then needs no place among the open requests.
    let answersAtOnce: Bool
    private let transport: String
    /// The permit under which this turn's requests pass that are answered at once; nil before the first and between
    /// turns.
    var passingPermit: Permit? = nil
    /// Open requests, and those that wait for a permit.
    var open: Slab<OpenRequest>
    /// Who waits, and in which order they are served.
    var room: WaitingRoom
    /// What they asked for.
    var shelf: PayloadShelf
    /// Waiting requests that gave way to others and are to be answered.
    var outcasts: [Ticket] = []
    /// True exactly when the last look at the room found no permit for who is next.
    var lacksPermits = false
    /// Lookups of resolve-many that this turn may still begin: what exceeds it waits, so that a few large requests cannot
    /// hold all others up, and is refused when it has waited too long.
    var turnLookupsLeft: Int
    /// With the tenants of this turn: what was taken ahead by `policy`, and what `tenants` does not know yet.
    var accounts = TurnAccounts()
    /// Admitted without waiting since the last `endTurn`.
    var admittedAtOnce: UInt64 = 0
    /// How long permits were held that came back in a later turn than they were given.
    var service = ServiceTimes()
    /// By slot. A slot whose connection has gone keeps its last tenant until it is used again.
    var sessions: [Session] = []
    var timers = TimerWheel()
    /// Ends of the list of open requests by age, as slots; -1 when none is open.
    var oldest: Int32 = -1
    var youngest: Int32 = -1
    /// Answered since the last `endTurn`, by app.
    var unsettled = InlineArray<3, UInt64>(repeating: 0)

    /// - Parameters:
    ///   - admission: shared by all workers; outlives them.
    ///   - tenants: this worker's own.
    ///   - openCapacity: places for open and waiting requests, which no policy may exceed; nil for what `admission`'s
    ///     needs now.
    public init(
        limits: GatewayLimits, admission: IngressAdmission, metrics: GatewayMetrics, telemetry: TelemetryBank,
        tenants: TenantActivity = TenantActivity(), openCapacity: Int? = nil, answersAtOnce: Bool = false,
        transport: String = "tcp"
    ) {
        let policy = admission.snapshot
        self.answersAtOnce = answersAtOnce
        self.transport = transport
        self.limits = limits
        self.concurrency = admission.concurrency
        self.policy = policy
        self.connectionRate = policy.policy.connection
        self.indexCost = policy.policy.costs.index
        self.room = WaitingRoom(limits: Self.waitingLimits(policy, limits))
        self.shelf = PayloadShelf(placesMax: policy.policy.waiting.lengthMax)
        self.turnLookupsLeft = limits.turnLookupsMax
        self.metrics = metrics
        self.telemetry = telemetry
        self.tenants = tenants
        self.decoder = FrameDecoder(frameBytesMax: limits.frameBytesMax)
        self.open = Slab(capacity: (openCapacity ?? policy.policy.placesMax) + Self.outcastsMax)
        self.helloPayload = []
        self.helloPayload = self.hello()
    }

    private func hello() -> [UInt8] {
        Array(
            """
            {"max_frame":\(self.limits.frameBytesMax),"max_inflight":\(self.policy.policy.inflightPerConnectionMax),\
            "flags_supported":\(FrameFlags.supported),"versions":[\(FrameHeader.version)],\
            "transports":["\(self.transport)"]}
            """.utf8)
    }

    /// Works by another configuration from now on. What is open keeps its permit, what waits its place; requests beyond a
    /// shorter waiting room leave it by its own rules.
    public mutating func adopt(_ limits: GatewayLimits, _ policy: AdmissionSnapshot, nowNanoseconds: UInt64) {
        self.accounts.follow(from: self.policy, to: policy)
        if self.connectionRate != policy.policy.connection {
            for slot in self.sessions.indices {
                self.sessions[slot].bucket.rescale(
                    from: self.connectionRate, to: policy.policy.connection, nowNanoseconds: nowNanoseconds)
            }
        }
        self.limits = limits
        self.policy = policy
        self.connectionRate = policy.policy.connection
        self.indexCost = policy.policy.costs.index
        self.room.configure(Self.waitingLimits(policy, limits))
        self.shelf.grow(placesMax: policy.policy.waiting.lengthMax)
        self.decoder = FrameDecoder(frameBytesMax: limits.frameBytesMax)
        self.helloPayload = self.hello()
        // A deadline that has come nearer would be looked at when the old one is over.
        for slot in self.sessions.indices where self.timers.isScheduled(slot) {
            self.reschedule(slot, nowNanoseconds: nowNanoseconds)
        }
    }

    private static func waitingLimits(_ policy: AdmissionSnapshot, _ limits: GatewayLimits) -> WaitingLimits {
        var waiting = policy.policy.waiting
        waiting.lookupsMax = limits.turnLookupsMax
        return waiting
    }

    /// Whether `day` has to be replaced: a quota counts by the day, and this one is over or a minute old.
    public func wantsDay(nowNanoseconds: UInt64) -> Bool {
        self.policy.countsDays && nowNanoseconds >= self.day.staleNanoseconds
    }

    /// How long late requests held their permits since the last call.
    public mutating func takeServiceTimes() -> ServiceTimes { self.service.take() }

    /// Requests of this worker that are open or wait.
    public var openCount: Int { self.open.count }

    // MARK: Sessions

    /// A connection was accepted in this slot. `key.slot` grows by at most one beyond the highest slot so far.
    ///
    /// - Parameter seat: what `seat` gave for it; `disconnected` gives it back.
    public mutating func connected(_ key: SessionKey, seat: SourceSeat = .none, nowNanoseconds: UInt64) {
        let slot = Int(key.slot)
        precondition(slot <= self.sessions.count)
        let session = Session(key: key, seat: seat, nowNanoseconds: nowNanoseconds)
        if slot == self.sessions.count {
            self.sessions.append(session)
        } else {
            self.sessions[slot] = session
        }
        self.timers.touch(slot)
        self.reschedule(slot, nowNanoseconds: nowNanoseconds)
        self.telemetry.add(self.metrics.connectionsAccepted)
        self.telemetry.add(self.metrics.connections)
    }

    /// The connection is closed. Its open requests keep their permits until they are answered or late.
    public mutating func disconnected(_ slot: Int, reason: GatewayMetrics.CloseReason, nowNanoseconds: UInt64) {
        var next = self.sessions[slot].firstOpen
        while next >= 0 {
            let request = Int(next)
            next = self.open[slot: request].nextInSession
            if self.open[slot: request].isWaiting {
                self.abandon(request, nowNanoseconds: nowNanoseconds)
            } else {
                self.open[slot: request].session = nil
            }
        }
        self.sessions[slot].firstOpen = -1
        self.sessions[slot].openCount = 0
        self.timers.cancel(slot)
        self.giveBack(self.sessions[slot].seat)
        self.sessions[slot].seat = .none
        self.telemetry.add(self.metrics.connections, UInt64.max)
        self.telemetry.add(self.metrics.closed(reason))
    }

    /// A connection was refused before it became a session.
    public func connectionRefused(_ reason: GatewayMetrics.CloseReason) {
        self.telemetry.add(self.metrics.connectionsAccepted)
        self.telemetry.add(self.metrics.closed(reason))
    }

    /// True while frames of this session are to be decoded and served.
    public func serves(_ slot: Int) -> Bool {
        switch self.sessions[slot].phase {
        case .serving, .peerEnded: true
        case .closing, .lingering: false
        }
    }

    /// Bytes came that belong to a frame which is not whole yet.
    public mutating func partialReceived(_ slot: Int, bytes: Int, nowNanoseconds: UInt64) {
        if self.sessions[slot].partialNanoseconds == 0 {
            self.sessions[slot].partialNanoseconds = max(1, nowNanoseconds)
            self.sessions[slot].partialBytes = 0
            self.reschedule(slot, nowNanoseconds: nowNanoseconds)
            return
        }
        self.sessions[slot].partialBytes += bytes
        if self.sessions[slot].partialBytes >= self.limits.readProgressBytesMin {
            self.sessions[slot].partialNanoseconds = max(1, nowNanoseconds)
            self.sessions[slot].partialBytes = 0
        }
    }

    /// The frame that had begun is whole.
    public mutating func partialEnded(_ slot: Int, nowNanoseconds: UInt64) {
        self.sessions[slot].partialNanoseconds = 0
        self.sessions[slot].activeNanoseconds = nowNanoseconds
    }

    /// The output's backlog has risen above its maximum.
    public mutating func outputStalled(_ slot: Int, nowNanoseconds: UInt64) {
        guard self.sessions[slot].stalledNanoseconds == 0 else { return }
        self.sessions[slot].stalledNanoseconds = max(1, nowNanoseconds)
        self.sessions[slot].stalledBytes = 0
        self.reschedule(slot, nowNanoseconds: nowNanoseconds)
    }

    /// Bytes have left.
    @inline(__always)
    public mutating func outputSent(_ slot: Int, bytes: Int, nowNanoseconds: UInt64) {
        self.telemetry.add(self.metrics.bytesOut, UInt64(bytes))
        if case .closing = self.sessions[slot].phase {
            guard self.madeProgress(slot, bytes: bytes) else { return }
            self.sessions[slot].activeNanoseconds = nowNanoseconds
            return
        }
        self.sessions[slot].activeNanoseconds = nowNanoseconds
        guard self.sessions[slot].stalledNanoseconds != 0, self.madeProgress(slot, bytes: bytes) else { return }
        self.sessions[slot].stalledNanoseconds = max(1, nowNanoseconds)
    }

    /// Counts what has left; true each time that it amounts to the minimum that a peer has to take.
    private mutating func madeProgress(_ slot: Int, bytes: Int) -> Bool {
        self.sessions[slot].stalledBytes += bytes
        guard self.sessions[slot].stalledBytes >= self.limits.outputProgressBytesMin else { return false }
        self.sessions[slot].stalledBytes = 0
        return true
    }

    /// An answer was appended to the session's output.
    @inline(__always)
    public mutating func outputAppended(_ slot: Int) { self.sessions[slot].outputPending = true }

    /// The backlog is low again.
    public mutating func outputResumed(_ slot: Int, nowNanoseconds: UInt64) {
        self.sessions[slot].stalledNanoseconds = 0
        self.sessions[slot].activeNanoseconds = nowNanoseconds
    }

    /// The peer has ended its side.
    public mutating func peerEnded(_ slot: Int, outputEmpty: Bool) -> SessionAction {
        switch self.sessions[slot].phase {
        case .serving, .peerEnded:
            self.sessions[slot].phase = .peerEnded
            self.sessions[slot].partialNanoseconds = 0
            return self.settled(slot, outputEmpty: outputEmpty)
        case .closing:
            // The answer is still on its way.
            self.sessions[slot].peerHasEnded = true
            return outputEmpty ? .close : .none
        case .lingering:
            return .close
        }
    }

    /// The session is to end once its output is sent: it was refused, or the gateway drains.
    public mutating func closing(_ slot: Int, outputEmpty: Bool, nowNanoseconds: UInt64) -> SessionAction {
        switch self.sessions[slot].phase {
        case .serving: break
        case .peerEnded: self.sessions[slot].peerHasEnded = true
        case .closing, .lingering: return .none
        }
        self.sessions[slot].phase = .closing
        self.sessions[slot].partialNanoseconds = 0
        self.sessions[slot].stalledBytes = 0
        self.sessions[slot].activeNanoseconds = nowNanoseconds
        self.reschedule(slot, nowNanoseconds: nowNanoseconds)
        return outputEmpty ? self.outputEmptied(slot, nowNanoseconds: nowNanoseconds) : .none
    }

    /// All output is sent.
    @inline(__always)
    public mutating func outputEmptied(_ slot: Int, nowNanoseconds: UInt64) -> SessionAction {
        self.sessions[slot].outputPending = false
        switch self.sessions[slot].phase {
        case .serving:
            // The quiet that a drain waits for begins now.
            if self.phase == .draining { self.reschedule(slot, nowNanoseconds: nowNanoseconds) }
            return .none
        case .peerEnded: return self.settled(slot, outputEmpty: true)
        case .closing:
            return self.sessions[slot].peerHasEnded ? .close : self.linger(slot, nowNanoseconds: nowNanoseconds)
        case .lingering: return .none
        }
    }

    /// Bytes came that nobody wants.
    public mutating func discarded(_ slot: Int, bytes: Int) -> SessionAction {
        guard case .lingering(let before) = self.sessions[slot].phase else { return .none }
        let total = before + bytes
        self.sessions[slot].phase = .lingering(discardedBytes: total)
        return total > self.limits.lingerBytesMax ? .abort : .none
    }

    private mutating func linger(_ slot: Int, nowNanoseconds: UInt64) -> SessionAction {
        self.sessions[slot].phase = .lingering(discardedBytes: 0)
        self.sessions[slot].activeNanoseconds = nowNanoseconds
        self.reschedule(slot, nowNanoseconds: nowNanoseconds)
        return .shutdownWrite
    }

    private func settled(_ slot: Int, outputEmpty: Bool) -> SessionAction {
        outputEmpty && self.sessions[slot].openCount == 0 ? .close : .none
    }
}
