/// What a forwarder knows of one of its connections.
struct BackendConnection {
    enum State: Equatable {
        /// There is none.
        case down
        /// The order to open it was given.
        case connecting
        /// It is open; HELLO is to be sent, or to be answered.
        case greeting
        /// HELLO was answered: requests go to it.
        case ready
        /// After GOAWAY: what is open is finished.
        case draining
        /// The order to close it is to be given; everything else is cleared away.
        case closing(DropReason)
    }

    let endpoint: Int
    /// Of the key; counts the orders to open.
    var generation: UInt32 = 0
    var state = State.down
    /// Requests that were sent on it and are not yet answered.
    var open = ExchangeList()
    /// Requests that were sent on it, given up, and not yet answered: they hold places at the backend as the open
    /// ones do.
    var owed = 0
    /// Requests that it may hold at once.
    var inflightMax = 0
    /// True while the caller has more to send on it than it wants.
    var isClogged = false
    /// When the order to open it was given.
    var openedNanoseconds: UInt64 = 0
    /// When the last frame came.
    var heardNanoseconds: UInt64 = 0
    /// When the first of the requests that are open was sent on it, if any are.
    var busyNanoseconds: UInt64 = 0
    /// Of the HELLO or PING that is unanswered; 0 exactly when none is.
    var controlCorrelation: UInt64 = 0
    var controlNanoseconds: UInt64 = 0
    /// HELLOs and PINGs so far, over all generations.
    var controlCount: UInt64 = 0

    init(endpoint: Int) { self.endpoint = endpoint }

    /// What it holds at the backend.
    var load: Int { self.open.count + self.owed }

    var hasRoom: Bool { self.state == .ready && self.load < self.inflightMax && !self.isClogged }

    /// True while it is, or may soon be, of use for new requests.
    var isPromising: Bool {
        switch self.state {
        case .connecting, .greeting, .ready: true
        case .down, .draining, .closing: false
        }
    }

    /// True between the orders to open and to close it.
    var isLive: Bool {
        switch self.state {
        case .connecting, .greeting, .ready, .draining: true
        case .down, .closing: false
        }
    }

    /// When it has to be looked at: something is to be sent, or it is lost. Frames that come only make it later.
    func deadlineNanoseconds(_ settings: ForwardingSettings) -> UInt64 {
        switch self.state {
        case .down: return .max
        case .closing: return 0
        case .connecting: return self.openedNanoseconds + settings.connectTimeoutNanoseconds
        case .greeting:
            return self.controlCorrelation == 0 ? 0 : self.openedNanoseconds + settings.connectTimeoutNanoseconds
        case .ready, .draining:
            if self.state == .draining && self.open.isEmpty { return 0 }
            guard self.controlCorrelation == 0 else {
                return max(self.controlNanoseconds, self.heardNanoseconds) + settings.pongTimeoutNanoseconds
            }
            guard !self.open.isEmpty else { return self.heardNanoseconds + settings.pingIdleNanoseconds }
            return max(self.heardNanoseconds, self.busyNanoseconds) + settings.pingBusyNanoseconds
        }
    }
}
