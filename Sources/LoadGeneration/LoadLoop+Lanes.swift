internal import Reactor

/// Receives, and the beginnings and ends of connections.
extension LoadLoop where K: ~Copyable {
    mutating func startReceiving(_ index: Int) throws(SystemError) {
        let lane = self.lanes[index]
        try self.kernel.startReceiving(lane.descriptor, token: Token(slot: UInt32(index), generation: 0))
        lane.receiving = true
    }

    mutating func rearmReceives() throws(SystemError) {
        guard !self.rearm.isEmpty else { return }
        for index in self.rearm {
            let lane = self.lanes[index]
            if !lane.isEnding, !lane.isClosed, !lane.receiving { try self.startReceiving(index) }
        }
        self.rearm.removeAll(keepingCapacity: true)
    }

    // MARK: Ends

    /// Whether the lane gets another connection when this one has ended.
    private func isRenewable(_ index: Int) -> Bool {
        self.plan.requestsPerConnection != nil && index < self.carryingCount && !self.lanes[index].isGoingAway
    }

    /// The connection cannot go on: what is in flight on it will not be answered.
    mutating func lose(_ index: Int, _ loss: ConnectionLoss) {
        let lane = self.lanes[index]
        guard !lane.isEnding, !lane.isClosed else { return }
        if let loss = self.named(loss, index, lane) { self.tally.lost(loss) }
        // A server that refuses is not asked again at once, and neither is one whose connections break.
        if self.isRenewable(index) { self.rest(index) }
        self.end(index)
    }

    /// What the loss is counted as. Nothing is lost when a gateway that drains answers what is open and closes: that is its right.
    private func named(_ loss: ConnectionLoss, _ index: Int, _ lane: Lane) -> ConnectionLoss? {
        switch loss {
        case .ended:
            if index >= self.carryingCount { return lane.isGoingAway ? nil : .idleEnded }
            return lane.isGoingAway && self.slots.isIdle(index) ? nil : .ended
        case .failed(let code): return lane.connectNanoseconds != 0 ? .connect(code) : loss
        case .idleEnded, .connect, .malformed, .memory: return loss
        }
    }

    /// The connection has had its number of requests, all of them answered.
    mutating func retireIfSpent(_ index: Int) {
        let lane = self.lanes[index]
        guard lane.requestsLeft == 0, !lane.isEnding, !lane.sendSubmitted, lane.sending == nil,
            self.slots.isIdle(index)
        else { return }
        self.end(index)
    }

    mutating func end(_ index: Int) {
        let lane = self.lanes[index]
        lane.isEnding = true
        if index < self.carryingCount {
            if !lane.isGoingAway, !self.isRenewable(index) { self.lanesUseful -= 1 }
            self.abandon(index)
        }
        if !lane.isIdleInKernel { self.kernel.abort(lane.descriptor) }
        self.ending.append(index)
    }

    private mutating func abandon(_ index: Int) {
        let given = self.slots.abandon(index, dueFrom: self.timeline.measureStartNanoseconds)
        self.interval.errors += given.count
        self.tally.unanswered += given.measured
    }

    /// Closes lanes that end, once nothing of theirs is in flight.
    mutating func closeEnded() {
        guard !self.ending.isEmpty else { return }
        for index in self.ending {
            let lane = self.lanes[index]
            guard lane.isEnding, !lane.isClosed, lane.isIdleInKernel else { continue }
            lane.isClosed = true
            lane.releaseBlocks(to: &self.pool)
            self.kernel.close(lane.descriptor, reset: false)
            lane.descriptor = -1
            self.lanesOpen -= 1
            if self.phase != .closing, self.isRenewable(index) { self.renew(index, lane) }
        }
        self.ending.removeAll(keepingCapacity: true)
    }

    // MARK: New connections

    /// The lane may take requests again; the first of them opens its connection.
    private mutating func renew(_ index: Int, _ lane: Lane) {
        lane.isEnding = false
        lane.connectNanoseconds = 0
        lane.requestsLeft = self.plan.requestsPerConnection ?? .max
        self.makeReady(index)
    }

    /// Begins the lane's next connection; false when that is refused, with what it was for given up.
    mutating func open(_ index: Int) -> Bool {
        let lane = self.lanes[index]
        let begun = MonotonicClock.nowNanoseconds()
        do throws(SystemError) {
            lane.descriptor = try Connector.begin(to: self.plan.server, nonBlocking: K.wantsNonBlocking)
            lane.isClosed = false
            self.lanesOpen += 1
            lane.connectNanoseconds = begun
            if self.measuringNanoseconds != nil { self.tally.connects += 1 }
            try self.startReceiving(index)
            return true
        } catch {
            if !lane.isClosed {
                self.lose(index, .connect(error.code))
                return false
            }
            self.tally.lost(.connect(error.code))
            self.abandon(index)
            lane.releaseBlocks(to: &self.pool)
            lane.requestsLeft = self.plan.requestsPerConnection ?? .max
            self.rest(index)
            return false
        }
    }

    private mutating func rest(_ index: Int) {
        self.lanes[index].isResting = true
        self.resting.append(index)
    }

    mutating func wakeResting() {
        guard !self.resting.isEmpty else { return }
        for index in self.resting {
            self.lanes[index].isResting = false
            self.makeReady(index)
        }
        self.resting.removeAll(keepingCapacity: true)
    }
}
