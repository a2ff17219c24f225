internal import OAP
internal import Reactor

/// A thread's share of a load. In an open loop requests leave when the schedule says so, in a closed one when a slot
/// has become free; everything else is the same.
///
/// ```
///  wait ──► completions ──► answers: latency, status ──► slots free ──► dispatch ──► one send a lane ──┐
///   ▲                                                                      ▲                           │
///   │                                            schedule: due by now? ────┘                           │
///   └──────────────────────────────────────────────────────────────────────────────────────────────────┘
/// ```
/// A request that is due while no slot is free waits in the schedule itself, which is as long as it has to be and
/// takes no memory; its latency runs from the moment it was due. Answers have the time at which their turn was reaped.
struct LoadLoop<K: Kernel & ~Copyable>: ~Copyable {
    private static var wakerToken: Token { Token(slot: .max, generation: 1) }

    enum Phase {
        case loading
        /// Nothing more becomes due; what is overdue is sent, and the answers are waited for.
        case finishing
        case closing
    }

    let plan: LoadPlan
    let seat: LoopSeat
    let timeline: Timeline
    let decoder = FrameDecoder()
    /// Of every request but for tenant, correlation and length.
    let template: FrameHeader
    let requestBytesMax: Int
    let requestBytesTypical: Int
    var kernel: K
    var pool: BlockPool
    /// Those that carry requests, then those that are only held open.
    var lanes: [Lane]
    let carryingCount: Int
    var ready: LaneQueue
    var slots: SlotTable
    var draw: RequestDraw
    /// Nil in a closed loop.
    var schedule: ArrivalSchedule?
    /// The same schedule, moved on by the clock alone, for knowing how much was due.
    var dueSchedule: ArrivalSchedule?
    /// What of it `interval` and those before it have counted.
    var dueCounted: UInt64 = 0
    var tally = AnswerTally()
    var interval: IntervalTally
    var intervalEndNanoseconds: UInt64
    /// When this turn's completions were reaped.
    var arrivalNanoseconds: UInt64 = 0
    /// Since when slots have been free without a break; meaningful unless `isBlocked`.
    var slotsFreeNanoseconds: UInt64 = 0
    /// True exactly when a request was due and no lane could take it.
    var isBlocked = false
    /// True exactly when the last dispatch has left something that could have been sent.
    var isBehind = false
    /// True exactly while new requests may be sent.
    var isDispatching = true
    var phase = Phase.loading
    /// When the phase ends at the latest.
    var phaseEndNanoseconds: UInt64
    /// From when on nothing is due: as planned, or since the run was ended early.
    var loadEndNanoseconds: UInt64
    /// Up to when the requests in flight have been added to the account.
    var accountedNanoseconds: UInt64
    /// When the account was begun, and with it the next two; nil in the warm-up.
    var measuringNanoseconds: UInt64? = nil
    var threadTimeAtStart = ThreadTime()
    var processorTimeAtStart = ProcessorTime.now()
    /// Lanes with a connection.
    var lanesOpen: Int
    /// Lanes that may send more.
    var lanesUseful: Int
    var dirty: [Int] = []
    var rearm: [Int] = []
    var ending: [Int] = []
    var resting: [Int] = []

    init(seat: LoopSeat, kernel: consuming K, descriptors: [Int32], idle: [Int32]) {
        let plan = seat.plan
        self.plan = plan
        self.seat = seat
        self.timeline = seat.timeline
        self.kernel = kernel
        self.template = FrameHeader(
            flags: .request, code: plan.workload.method.code, application: plan.workload.application, correlation: 0)
        self.requestBytesMax = plan.requestBytesMax
        self.requestBytesTypical = plan.requestBytesTypical
        // A send block for each connection, of the size class above what it needs, and room for split frames.
        let sendBytes = descriptors.count * max(4096, self.requestBytesMax * plan.depth * 8)
        self.pool = BlockPool(budget: MemoryBudget(bytesMax: sendBytes + 64 * BlockPool.blockBytesMax))
        self.lanes = (descriptors + idle).map { Lane(descriptor: $0) }
        self.carryingCount = descriptors.count
        self.ready = LaneQueue(lanes: descriptors.count)
        self.slots = SlotTable(connections: descriptors.count, depth: plan.depth)
        self.draw = RequestDraw(plan, seed: seat.seed)
        switch plan.mode {
        case .open(let arrivals):
            self.schedule = ArrivalSchedule(
                arrivals, thread: seat.number, threadsCount: plan.threadsCount, seed: plan.seed)
        case .closed:
            self.schedule = nil
        }
        self.dueSchedule = self.schedule
        let start = seat.timeline.startNanoseconds
        self.interval = IntervalTally()
        self.interval.number = seat.timeline.intervalNumber(at: start)
        self.interval.startNanoseconds = start
        self.intervalEndNanoseconds = seat.timeline.intervalEndNanoseconds(self.interval.number)
        self.phaseEndNanoseconds = seat.timeline.loadEndNanoseconds
        self.loadEndNanoseconds = seat.timeline.loadEndNanoseconds
        self.accountedNanoseconds = start
        self.lanesOpen = self.lanes.count
        self.lanesUseful = descriptors.count
    }

    /// Runs the load to its end. Throws when the kernel refuses to go on.
    mutating func run(waker: Waker) throws(SystemError) -> AnswerTally {
        try self.kernel.attach(waker, token: Self.wakerToken)
        for index in self.lanes.indices { try self.startReceiving(index) }
        for index in 0..<self.carryingCount {
            self.lanes[index].requestsLeft = self.plan.requestsPerConnection ?? .max
            self.makeReady(index)
        }
        var batch = CompletionBatch()
        try self.waitForStart(&batch)
        self.slotsFreeNanoseconds = self.timeline.startNanoseconds
        self.beginMeasuring()
        self.dispatch()
        while self.phase != .closing || self.lanesOpen > 0 { try self.turn(&batch) }
        self.publishInterval(endNanoseconds: self.arrivalNanoseconds)
        return self.tally
    }

    /// All loops of a run start together. What comes before, such as the loss of a connection, is handled as ever.
    private mutating func waitForStart(_ batch: inout CompletionBatch) throws(SystemError) {
        self.arrivalNanoseconds = MonotonicClock.nowNanoseconds()
        while self.arrivalNanoseconds < self.timeline.startNanoseconds {
            let left = self.timeline.startNanoseconds - self.arrivalNanoseconds
            try self.kernel.wait(timeoutNanoseconds: left, into: &batch)
            self.arrivalNanoseconds = MonotonicClock.nowNanoseconds()
            for position in 0..<batch.count { self.handle(batch[position]) }
        }
    }

    private mutating func turn(_ batch: inout CompletionBatch) throws(SystemError) {
        try self.kernel.wait(timeoutNanoseconds: self.sleepNanoseconds, into: &batch)
        self.arrivalNanoseconds = MonotonicClock.nowNanoseconds()
        self.account()
        self.rollIntervals()
        for position in 0..<batch.count { self.handle(batch[position]) }
        self.beginMeasuring()
        self.changePhase()
        self.dispatch()
        try self.rearmReceives()
        self.closeEnded()
    }

    /// Until the next thing that the clock alone decides.
    private var sleepNanoseconds: UInt64 {
        guard !self.isBehind, self.dirty.isEmpty else { return 0 }
        var end = min(self.phaseEndNanoseconds, self.intervalEndNanoseconds)
        var now = self.arrivalNanoseconds
        if self.schedule != nil {
            if !self.isBlocked { end = min(end, self.nextDueNanoseconds) }
            // What has passed since the turn began would be overslept.
            now = MonotonicClock.nowNanoseconds()
        }
        return end > now ? end - now : 0
    }

    // MARK: Completions

    private mutating func handle(_ completion: Completion) {
        switch completion.kind {
        case .received: self.receiveFinished(completion)
        case .sent: self.sendFinished(completion)
        case .accepted, .woken, .cancelled: break
        }
    }

    private mutating func receiveFinished(_ completion: Completion) {
        let index = Int(completion.token.slot)
        let lane = self.lanes[index]
        if completion.isFinal { lane.receiving = false }
        if completion.result > 0 {
            if self.measuringNanoseconds != nil { self.tally.bytesIn += UInt64(completion.result) }
            self.received(index, lane, lent: self.kernel.take(completion))
            if completion.isFinal { self.rearm.append(index) }
        } else if completion.result == -ErrnoCode.noBuffers || completion.result == -ErrnoCode.cancelled {
            self.rearm.append(index)
        } else {
            self.lose(index, completion.result == 0 ? .ended : .failed(-completion.result))
        }
        if lane.isEnding { self.ending.append(index) }
    }

    private mutating func received(_ index: Int, _ lane: Lane, lent buffer: consuming LentBuffer) {
        if !lane.isEnding { self.received(index, lane, buffer.bytes) }
        self.kernel.give(buffer)
    }

    private mutating func sendFinished(_ completion: Completion) {
        let index = Int(completion.token.slot)
        let lane = self.lanes[index]
        lane.sendSubmitted = false
        guard !lane.isEnding else {
            self.ending.append(index)
            return
        }
        guard completion.result >= 0 else {
            self.lose(index, .failed(-completion.result))
            return
        }
        self.sent(lane, bytes: Int(completion.result))
        if lane.sending != nil {
            self.markDirty(index)
        } else {
            self.makeReady(index)
            self.retireIfSpent(index)
        }
    }
}
