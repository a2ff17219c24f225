/// One address of the backend: when to connect to it again, and whether requests go to it.
struct Endpoint {
    enum Health: Equatable {
        case well
        /// It gets no requests until then.
        case ejected(untilNanoseconds: UInt64)
        /// It gets one request, and with its outcome is well or ejected again.
        case halfOpen(sinceNanoseconds: UInt64, isProbed: Bool)
    }

    private(set) var health = Health.well
    /// In a row.
    private var failures = 0
    /// In a row: without having been well for long between them.
    private var ejections = 0
    /// When it last became well after an ejection.
    private var wellNanoseconds: UInt64 = 0
    /// Connections lost since the last sign that it serves; 0 before the first loss.
    private(set) var losses = 0
    private var lostNanoseconds: UInt64 = 0
    /// Of the wait that follows the last loss.
    private var jitter: UInt64 = 0

    var isEjected: Bool {
        switch self.health {
        case .ejected: true
        case .well, .halfOpen: false
        }
    }

    /// Whether one more request may go to it, as far as its health goes.
    var takesRequests: Bool {
        switch self.health {
        case .well: true
        case .ejected: false
        case .halfOpen(_, let isProbed): !isProbed
        }
    }
}

// MARK: - Health

extension Endpoint {
    /// A request goes to it.
    ///
    /// - Returns: true when it is the probe.
    mutating func sent() -> Bool {
        guard case .halfOpen(let since, isProbed: false) = self.health else { return false }
        self.health = .halfOpen(sinceNanoseconds: since, isProbed: true)
        return true
    }

    /// It has answered a request. While it is not well only the probe's answer says something: others were sent before.
    mutating func answered(isProbe: Bool, nowNanoseconds: UInt64) {
        switch self.health {
        case .well: self.failures = 0
        case .ejected: break
        case .halfOpen:
            guard isProbe else { return }
            self.health = .well
            self.failures = 0
            self.wellNanoseconds = nowNanoseconds
        }
    }

    /// It has not answered a request in time, or with an error of its own; or, which tells as much as a probe, a
    /// connection to it could not be made or was lost.
    ///
    /// - Returns: true when that ejects it.
    mutating func failed(isProbe: Bool, _ settings: ForwardingSettings, nowNanoseconds: UInt64) -> Bool {
        switch self.health {
        case .well:
            self.failures += 1
            guard self.failures >= settings.failuresMax else { return false }
        case .ejected: return false
        case .halfOpen: guard isProbe else { return false }
        }
        self.eject(settings, nowNanoseconds)
        return true
    }

    private mutating func eject(_ settings: ForwardingSettings, _ now: UInt64) {
        let longest = settings.ejectionMaxNanoseconds
        if now >= self.wellNanoseconds + longest, self.health == .well { self.ejections = 0 }
        self.ejections += 1
        let time = Backoff.exponential(base: settings.ejectionBaseNanoseconds, max: longest, attempt: self.ejections)
        self.health = .ejected(untilNanoseconds: now + time)
        self.failures = 0
    }

    /// Ends an ejection whose time is over.
    mutating func wake(nowNanoseconds: UInt64) {
        guard case .ejected(let until) = self.health, until <= nowNanoseconds else { return }
        self.health = .halfOpen(sinceNanoseconds: nowNanoseconds, isProbed: false)
    }

    /// A new connection to it has answered HELLO: news that are better than waiting for the end of an ejection.
    mutating func greeted(nowNanoseconds: UInt64) {
        guard self.isEjected else { return }
        self.health = .halfOpen(sinceNanoseconds: nowNanoseconds, isProbed: false)
    }
}

// MARK: - Reconnecting

extension Endpoint {
    /// A connection to it has ended, for whatever reason, or is about to.
    mutating func lost(_ random: inout RandomNumbers, nowNanoseconds: UInt64) {
        self.losses += 1
        self.lostNanoseconds = nowNanoseconds
        self.jitter = random.next()
    }

    /// A connection to it lives, whatever it does with requests. One that is older than the last loss says nothing of new ones.
    mutating func showedLife(openedNanoseconds: UInt64) {
        guard openedNanoseconds > self.lostNanoseconds else { return }
        self.losses = 0
    }

    /// When a connection may be opened. The end of an ejection brings one attempt at once.
    ///
    /// - Parameter isWanted: whether requests wait for a connection.
    func reconnectNanoseconds(_ settings: ForwardingSettings, isWanted: Bool) -> UInt64 {
        guard self.losses > 0 else { return 0 }
        if case .halfOpen(let since, _) = self.health, self.lostNanoseconds < since { return since }
        let longest = isWanted ? settings.reconnectBusyMaxNanoseconds : settings.reconnectIdleMaxNanoseconds
        let whole = Backoff.exponential(
            base: settings.reconnectBaseNanoseconds, max: longest, attempt: self.losses)
        return self.lostNanoseconds + Backoff.equalJitter(whole, fraction: self.jitter)
    }
}
