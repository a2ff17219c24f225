import LoadGeneration
import OAP
import Reactor

/// A thread's share of a closed load: on each connection `depth` requests are in flight, and as answers arrive the same
/// number of new ones leaves, in one send per connection and turn.
///
/// ```
///  wait ──► completions ──► answers: latency, status ──► slots free ──► new requests ──► one send a lane
///   ▲                                                                                          │
///   └──────────────────────────────────────────────────────────────────────────────────────────┘
/// ```
/// Latency runs from just before the send that carries a request to the reaping of the turn that has its answer.
struct ClosedLoop<K: Kernel & ~Copyable>: ~Copyable {
    /// How long the loop waits at its end for what is in flight in the kernel.
    private static var closingNanoseconds: UInt64 { 1_000_000_000 }
    private static var wakerToken: Token { Token(slot: .max, generation: 1) }

    private enum Phase {
        case loading
        /// Nothing new is sent; the answers that are due are waited for.
        case finishing
        case closing
    }

    let plan: LoadPlan
    let control: LoadControl
    let decoder = FrameDecoder()
    /// Of every request but for correlation and length.
    let template: FrameHeader
    let requestBytesMax: Int
    var kernel: K
    var pool: BlockPool
    var lanes: [Lane]
    var slots: SlotTable
    var tally = AnswerTally()
    var random: RandomNumbers
    /// When this turn's completions were reaped.
    var arrivalNanoseconds: UInt64 = 0
    private var phase = Phase.loading
    /// When the phase ends at the latest.
    private var phaseEndNanoseconds: UInt64 = 0
    /// Lanes that are not closed.
    private var lanesOpen: Int
    /// Lanes that may send more.
    var lanesUseful: Int
    private var dirty: [Int] = []
    private var rearm: [Int] = []
    private var ending: [Int] = []

    init(plan: LoadPlan, control: LoadControl, kernel: consuming K, descriptors: [Int32], seed: UInt64) {
        self.plan = plan
        self.control = control
        self.kernel = kernel
        self.template = FrameHeader(
            flags: .request, code: plan.workload.method.code, application: plan.workload.application, correlation: 0)
        self.requestBytesMax = plan.workload.requestBytesMax(plan.keys)
        // A send block for each connection, of the size class above what it needs, and room for split frames.
        let sendBytes = descriptors.count * max(4096, self.requestBytesMax * plan.depth * 8)
        self.pool = BlockPool(budget: MemoryBudget(bytesMax: sendBytes + 64 * BlockPool.blockBytesMax))
        self.lanes = descriptors.map { Lane(descriptor: $0) }
        self.slots = SlotTable(connections: descriptors.count, depth: plan.depth)
        self.random = RandomNumbers(seed: seed)
        self.lanesOpen = descriptors.count
        self.lanesUseful = descriptors.count
    }

    /// Runs the load to its end. Throws when the kernel refuses to go on.
    mutating func run(waker: Waker) throws(SystemError) -> AnswerTally {
        try self.kernel.attach(waker, token: Self.wakerToken)
        for index in self.lanes.indices {
            try self.startReceiving(index)
            self.markDirty(index)
        }
        let start = MonotonicClock.nowNanoseconds()
        self.tally.startNanoseconds = start
        self.tally.endNanoseconds = start
        self.phaseEndNanoseconds = start + self.plan.durationNanoseconds
        self.arrivalNanoseconds = start
        self.flushDirty()
        var batch = CompletionBatch()
        while self.lanesOpen > 0 { try self.turn(&batch) }
        return self.tally
    }

    private mutating func turn(_ batch: inout CompletionBatch) throws(SystemError) {
        let now = self.arrivalNanoseconds
        let sleep = self.phaseEndNanoseconds > now ? self.phaseEndNanoseconds - now : 0
        try self.kernel.wait(timeoutNanoseconds: self.dirty.isEmpty ? sleep : 0, into: &batch)
        self.arrivalNanoseconds = MonotonicClock.nowNanoseconds()
        let answersBefore = self.tally.answers
        for position in 0..<batch.count { self.handle(batch[position]) }
        if self.tally.answers != answersBefore {
            self.tally.endNanoseconds = self.arrivalNanoseconds
            self.control.answered(self.tally.answers - answersBefore)
        }
        self.changePhase()
        self.flushDirty()
        try self.rearmReceives()
        self.closeEnded()
    }

    private mutating func changePhase() {
        let isOver = self.arrivalNanoseconds >= self.phaseEndNanoseconds
        switch self.phase {
        case .loading:
            guard isOver || self.control.isStopping || (self.lanesUseful == 0 && self.slots.used == 0) else { return }
            self.phase = .finishing
            self.phaseEndNanoseconds = self.arrivalNanoseconds + self.plan.timeoutNanoseconds
            if self.slots.used == 0 { self.beginClosing() }
        case .finishing:
            if isOver || self.slots.used == 0 { self.beginClosing() }
        case .closing:
            // Whatever the kernel still holds goes with the process.
            if isOver { self.lanesOpen = 0 }
        }
    }

    private mutating func beginClosing() {
        self.phase = .closing
        self.phaseEndNanoseconds = self.arrivalNanoseconds + Self.closingNanoseconds
        for index in self.lanes.indices where !self.lanes[index].isEnding { self.end(index) }
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
            self.tally.bytesIn += UInt64(completion.result)
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
        if lane.sending != nil || self.slots.freeCount(index) > 0 { self.markDirty(index) }
    }

    // MARK: Requests

    mutating func markDirty(_ index: Int) {
        guard !self.lanes[index].isDirty else { return }
        self.lanes[index].isDirty = true
        self.dirty.append(index)
    }

    private mutating func flushDirty() {
        for index in self.dirty {
            self.lanes[index].isDirty = false
            self.flush(index)
        }
        self.dirty.removeAll(keepingCapacity: true)
    }

    /// Sends what is left of the last requests, then as many new ones as there are free slots.
    private mutating func flush(_ index: Int) {
        let lane = self.lanes[index]
        guard !lane.isEnding, !lane.sendSubmitted else { return }
        while let block = lane.sending.take() ?? self.newRequests(index, lane) {
            let requests = consume block
            let token = Token(slot: UInt32(index), generation: 0)
            let outcome = self.kernel.send(lane.descriptor, token: token, requests, from: lane.sendingOffset)
            lane.sending = consume requests
            switch outcome {
            case .submitted:
                lane.sendSubmitted = true
                return
            case .finished(let result):
                guard result >= 0 else {
                    self.lose(index, .failed(-result))
                    return
                }
                self.sent(lane, bytes: Int(result))
            }
        }
    }

    private mutating func sent(_ lane: Lane, bytes: Int) {
        self.tally.bytesOut += UInt64(bytes)
        lane.sendingOffset += bytes
        guard let block = lane.sending.take() else { return }
        if lane.sendingOffset == block.count {
            lane.sendingOffset = 0
            self.pool.give(block)
        } else {
            lane.sending = consume block
        }
    }

    /// Requests for all free slots of the lane; nil when nothing is to be sent.
    private mutating func newRequests(_ index: Int, _ lane: Lane) -> Block? {
        let count = self.slots.freeCount(index)
        guard self.phase == .loading, !lane.isGoingAway, count > 0 else { return nil }
        guard let block = self.pool.take(atLeast: count * self.requestBytesMax) else {
            self.lose(index, .memory)
            return nil
        }
        var requests = consume block
        let now = MonotonicClock.nowNanoseconds()
        for _ in 0..<count { self.appendRequest(index, &requests, now) }
        return requests
    }

    private mutating func appendRequest(_ index: Int, _ requests: inout Block, _ nowNanoseconds: UInt64) {
        var header = self.template
        switch self.plan.workload {
        case .hello:
            header.correlation = self.slots.take(index, tag: 0, sentNanoseconds: nowNanoseconds)
            requests.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
        case .ping:
            let number = self.random.next()
            header.correlation = self.slots.take(index, tag: number, sentNanoseconds: nowNanoseconds)
            header.frameBytes += UInt32(Workload.pingBytes)
            requests.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
            for shift in 0..<Workload.pingBytes { requests.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
        case .resolve:
            let number = self.random.next(below: self.plan.keys.count)
            let fingerprint = RecordAnswer.fingerprint(self.plan.keys[number])
            header.correlation = self.slots.take(index, tag: fingerprint, sentNanoseconds: nowNanoseconds)
            let key = self.plan.keys[number]
            header.frameBytes += UInt32(key.count)
            requests.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
            requests.append(key)
        }
    }

    // MARK: Receives and ends

    private mutating func startReceiving(_ index: Int) throws(SystemError) {
        self.lanes[index].receiving = true
        try self.kernel.startReceiving(self.lanes[index].descriptor, token: Token(slot: UInt32(index), generation: 0))
    }

    private mutating func rearmReceives() throws(SystemError) {
        guard !self.rearm.isEmpty else { return }
        for index in self.rearm where !self.lanes[index].isEnding && !self.lanes[index].receiving {
            try self.startReceiving(index)
        }
        self.rearm.removeAll(keepingCapacity: true)
    }

    /// The connection cannot go on: what is in flight on it will not be answered.
    mutating func lose(_ index: Int, _ loss: ConnectionLoss) {
        guard !self.lanes[index].isEnding else { return }
        // A gateway that drains answers what is open, says so and closes: that is its right.
        if !self.lanes[index].isGoingAway || loss != .ended || self.slots.freeCount(index) < self.plan.depth {
            self.tally.lost(loss)
        }
        self.end(index)
    }

    private mutating func end(_ index: Int) {
        let lane = self.lanes[index]
        lane.isEnding = true
        if !lane.isGoingAway { self.lanesUseful -= 1 }
        self.tally.unanswered += UInt64(self.slots.abandon(index))
        if !lane.isIdleInKernel { self.kernel.abort(lane.descriptor) }
        self.ending.append(index)
    }

    /// Closes lanes that end, once nothing of theirs is in flight.
    private mutating func closeEnded() {
        guard !self.ending.isEmpty else { return }
        for index in self.ending {
            let lane = self.lanes[index]
            guard lane.isEnding, !lane.isClosed, lane.isIdleInKernel else { continue }
            lane.isClosed = true
            lane.releaseBlocks(to: &self.pool)
            self.kernel.close(lane.descriptor, reset: false)
            self.lanesOpen -= 1
        }
        self.ending.removeAll(keepingCapacity: true)
    }
}
