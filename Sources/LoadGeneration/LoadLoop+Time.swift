internal import Reactor

/// What the clock decides: intervals, the measured time, and when the load ends.
extension LoadLoop where K: ~Copyable {
    /// How long the loop waits at its end for what is in flight in the kernel.
    private static var closingNanoseconds: UInt64 { 1_000_000_000 }

    /// When the next request is due; never when the schedule is over or was ended, and in a closed loop.
    @inline(__always)
    var nextDueNanoseconds: UInt64 {
        guard self.isDispatching, self.lanesUseful > 0, let next = self.schedule?.nextNanoseconds else { return .max }
        let due = self.timeline.startNanoseconds + next
        return due < self.loadEndNanoseconds ? due : .max
    }

    // MARK: The account

    /// Adds what has been in flight since the last turn.
    @inline(__always)
    mutating func account() {
        let until = min(self.arrivalNanoseconds, self.loadEndNanoseconds)
        guard until > self.accountedNanoseconds else { return }
        if self.measuringNanoseconds != nil {
            let passed = until - self.accountedNanoseconds
            self.tally.generator.inFlight(self.slots.used, forNanoseconds: passed)
            if self.isBlocked { self.tally.generator.blockedNanoseconds += passed }
        }
        self.accountedNanoseconds = until
    }

    /// Begins the measured time with what is in flight and without what is overdue: a queue that the warm-up has left
    /// would keep everything waiting that is measured.
    mutating func beginMeasuring() {
        guard self.measuringNanoseconds == nil, self.arrivalNanoseconds >= self.timeline.measureStartNanoseconds else {
            return
        }
        self.schedule?.advance(before: self.plan.warmupNanoseconds)
        self.measuringNanoseconds = self.arrivalNanoseconds
        self.accountedNanoseconds = self.arrivalNanoseconds
        self.threadTimeAtStart = ThreadTime.now()
        self.processorTimeAtStart = ProcessorTime.now()
    }

    /// The schedule is over; what is overdue is known from here on.
    private mutating func endMeasuring() {
        self.countDue(before: self.loadEndNanoseconds)
        guard let began = self.measuringNanoseconds else { return }
        self.tally.generator.backlog = self.tally.due - self.tally.sent
        let elapsed = self.arrivalNanoseconds - began
        self.tally.generator.close(
            elapsedNanoseconds: elapsed, thread: ThreadTime.now().since(self.threadTimeAtStart))
    }

    // MARK: Intervals

    /// Ends every interval that is over, and tries again what was put off to its end.
    @inline(__always)
    mutating func rollIntervals() {
        guard self.arrivalNanoseconds >= self.intervalEndNanoseconds else {
            // Random schedules are walked, so a second of it at once would be a pause.
            if self.plan.isPoisson { self.countDue(before: self.arrivalNanoseconds) }
            return
        }
        while self.arrivalNanoseconds >= self.intervalEndNanoseconds {
            self.countDue(before: self.intervalEndNanoseconds)
            self.publishInterval(endNanoseconds: self.intervalEndNanoseconds)
        }
        self.wakeResting()
    }

    private mutating func countDue(before nanoseconds: UInt64) {
        let limit = min(nanoseconds, self.loadEndNanoseconds)
        guard limit > self.timeline.startNanoseconds else { return }
        self.dueSchedule?.advance(before: limit - self.timeline.startNanoseconds)
        guard let passed = self.dueSchedule?.passedCount else { return }
        self.interval.due += passed - self.dueCounted
        if self.interval.number >= 0 { self.tally.due += passed - self.dueCounted }
        self.dueCounted = passed
    }

    /// Hands the interval over and begins the next one.
    mutating func publishInterval(endNanoseconds: UInt64) {
        guard endNanoseconds > self.interval.startNanoseconds else { return }
        self.interval.endNanoseconds = endNanoseconds
        self.interval.inFlight = self.slots.used
        let number = self.interval.number + 1
        self.seat.publish(&self.interval)
        self.interval.number = number
        self.interval.startNanoseconds = endNanoseconds
        self.intervalEndNanoseconds = self.timeline.intervalEndNanoseconds(number)
    }

    // MARK: Phases

    mutating func changePhase() {
        let isOver = self.arrivalNanoseconds >= self.phaseEndNanoseconds
        switch self.phase {
        case .loading:
            let isLost = self.lanesUseful == 0 && self.slots.used == 0
            guard isOver || isLost || self.seat.control.isStopping else { return }
            self.finish()
        case .finishing:
            if self.seat.control.isStopping { self.isDispatching = false }
            if isOver || (self.slots.used == 0 && self.nextDueNanoseconds == .max) { self.beginClosing() }
        case .closing:
            // Whatever the kernel still holds goes with the process.
            if isOver { self.lanesOpen = 0 }
        }
    }

    private mutating func finish() {
        self.loadEndNanoseconds = min(self.loadEndNanoseconds, self.arrivalNanoseconds)
        self.endMeasuring()
        self.phase = .finishing
        self.phaseEndNanoseconds = self.arrivalNanoseconds + self.plan.timeoutNanoseconds
        // What has become due in the turn of a stop still leaves with it, or it would be missing for no reason.
        if self.schedule == nil { self.isDispatching = false }
        if self.slots.used == 0 && self.nextDueNanoseconds == .max { self.beginClosing() }
    }

    private mutating func beginClosing() {
        self.phase = .closing
        self.isDispatching = false
        if self.measuringNanoseconds != nil, self.seat.number == 0 {
            self.tally.generator.processorTime = ProcessorTime.now().since(self.processorTimeAtStart)
        }
        self.phaseEndNanoseconds = self.arrivalNanoseconds + Self.closingNanoseconds
        for index in self.lanes.indices where !self.lanes[index].isEnding && !self.lanes[index].isClosed {
            self.end(index)
        }
    }
}
