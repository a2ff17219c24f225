public import OAP

/// Deadlines of sessions, and the drain.
extension WorkerCore {
    /// When the core next wants to be asked for what has expired; nil: not before something happens.
    public func nextDeadlineNanoseconds() -> UInt64? {
        var earliest = self.timers.nextDeadlineNanoseconds()
        if let open = self.openDeadlineNanoseconds { earliest = min(earliest ?? open, open) }
        if self.phase == .draining { earliest = min(earliest ?? .max, self.drainDeadlineNanoseconds) }
        return earliest
    }

    /// The next session whose time is up. Call until nil, once a turn.
    public mutating func popExpired(nowNanoseconds: UInt64) -> (slot: Int, expiry: SessionExpiry)? {
        while let slot = self.timers.popDue(nowNanoseconds: nowNanoseconds) {
            var (deadline, expiry) = self.deadline(of: slot)
            // What is open has a deadline of its own; a session is neither idle nor quiet before that is over.
            if self.sessions[slot].openCount > 0 && deadline <= nowNanoseconds {
                switch expiry {
                case .idle: deadline = nowNanoseconds + self.limits.requestTimeoutNanoseconds
                case .drained: deadline = nowNanoseconds + self.limits.drainQuietNanoseconds
                case .partialFrame, .outputStalled, .lingerEnded: break
                }
            }
            guard deadline <= nowNanoseconds else {
                self.timers.schedule(slot, deadlineNanoseconds: deadline, nowNanoseconds: nowNanoseconds)
                continue
            }
            return (slot, expiry)
        }
        return nil
    }

    /// Requests are taken from now on.
    public mutating func serve() {
        guard self.phase == .starting else { return }
        self.phase = .serving
    }

    /// No request is taken from now on. The caller sends `goAway` to every session.
    public mutating func drain(nowNanoseconds: UInt64) {
        guard self.phase != .draining else { return }
        self.phase = .draining
        self.drainDeadlineNanoseconds = nowNanoseconds + self.limits.drainDeadlineNanoseconds
    }

    /// The GOAWAY frame of a drain, and the session's own deadline with it.
    public mutating func goAway(_ slot: Int, nowNanoseconds: UInt64) -> (header: FrameHeader, payload: [UInt8])? {
        guard case .serving = self.sessions[slot].phase else { return nil }
        self.sessions[slot].activeNanoseconds = nowNanoseconds
        self.reschedule(slot, nowNanoseconds: nowNanoseconds)
        let left = (max(self.drainDeadlineNanoseconds, nowNanoseconds) - nowNanoseconds) / 1_000_000
        let payload = Array("{\"reason\":\"drain\",\"deadline_ms\":\(left)}".utf8)
        let header = FrameHeader(
            flags: .event, code: ControlEvent.goAway, application: Application.control, correlation: 0,
            payloadBytes: payload.count)
        return (header, payload)
    }

    /// Puts the session's deadline on the wheel, where an earlier one may already be.
    @inline(__always)
    mutating func reschedule(_ slot: Int, nowNanoseconds: UInt64) {
        let (deadline, _) = self.deadline(of: slot)
        self.timers.schedule(slot, deadlineNanoseconds: deadline, nowNanoseconds: nowNanoseconds)
    }

    private func deadline(of slot: Int) -> (UInt64, SessionExpiry) {
        let session = self.sessions[slot]
        switch session.phase {
        case .serving, .peerEnded:
            // While bytes move, or should, their own rule decides; a session is idle when none do.
            var moving: (UInt64, SessionExpiry)? = nil
            if session.partialNanoseconds != 0 {
                moving = (session.partialNanoseconds + self.limits.readTimeoutNanoseconds, .partialFrame)
            }
            if session.stalledNanoseconds != 0 {
                let deadline = session.stalledNanoseconds + self.limits.outputStallTimeoutNanoseconds
                if deadline < moving?.0 ?? .max { moving = (deadline, .outputStalled) }
            }
            if let moving { return moving }
            // Unsent answers are no idleness: ending in order would cut one in the middle. A drain waits for them
            // until its own deadline.
            guard !session.outputPending else {
                return (session.activeNanoseconds + self.limits.idleTimeoutNanoseconds, .outputStalled)
            }
            guard self.phase == .draining else {
                return (session.activeNanoseconds + self.limits.idleTimeoutNanoseconds, .idle)
            }
            return (session.activeNanoseconds + self.limits.drainQuietNanoseconds, .drained)
        case .closing:
            return (session.activeNanoseconds + self.limits.outputStallTimeoutNanoseconds, .lingerEnded)
        case .lingering:
            return (session.activeNanoseconds + self.limits.lingerTimeoutNanoseconds, .lingerEnded)
        }
    }
}
