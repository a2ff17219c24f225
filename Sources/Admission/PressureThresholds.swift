/// Where each input of the pressure ladder enters a rung and where it leaves it again.
public struct PressureThresholds: Equatable, Sendable {
    /// Levels at which the four rungs above normal begin, ascending; infinity where an input never asks for a rung.
    public struct Levels: Equatable, Sendable {
        public var degraded: Double
        public var shedLowPriority: Double
        public var shedConnections: Double
        public var refuse: Double

        /// - Precondition: ascending, and above 0.
        public init(degraded: Double, shedLowPriority: Double, shedConnections: Double, refuse: Double = .infinity) {
            precondition(degraded > 0 && degraded <= shedLowPriority)
            precondition(shedLowPriority <= shedConnections && shedConnections <= refuse)
            self.degraded = degraded
            self.shedLowPriority = shedLowPriority
            self.shedConnections = shedConnections
            self.refuse = refuse
        }

        /// Where the rung begins; 0 for normal.
        func enter(_ rung: PressureLadder.Rung) -> Double {
            switch rung {
            case .normal: 0
            case .degraded: self.degraded
            case .shedLowPriority: self.shedLowPriority
            case .shedConnections: self.shedConnections
            case .refuse: self.refuse
            }
        }
    }

    /// A loop that is busy for 85 % of the time has seven turns queued for each one (1/(1-ρ)); at 98 % there is nothing left
    /// to give, and low priority goes. No more than that: a full loop that is not late, such as under a client that keeps
    /// it full, is at its capacity and not in trouble. Trouble is `loopLag`.
    public var loopBusy = Levels(degraded: 0.85, shedLowPriority: 0.98, shedConnections: .infinity)
    /// Nanoseconds. Nothing in a turn blocks, so that 10 ms mean a page fault storm or a processor taken away; at 50 ms the
    /// waiting room's target is missed tenfold; at 200 ms health checks begin to fail; after 1 s clients have given up.
    public var loopLag = Levels(
        degraded: 10_000_000, shedLowPriority: 50_000_000, shedConnections: 200_000_000, refuse: 1_000_000_000)
    /// Parts of the ceiling. A connection's buffers are the largest thing that can be refused, so that stopping accept comes
    /// early; the last 3 % are for answering what is open.
    public var memory = Levels(degraded: 0.80, shedLowPriority: 0.90, shedConnections: 0.93, refuse: 0.97)
    /// Parts of the concurrency limit: "scale at 80 %" is the alert, here as a rung. At the limit requests wait and are
    /// refused by the waiting room, exactly and fairly; the ladder does no more than that earlier for low priority.
    public var openRequests = Levels(degraded: 0.80, shedLowPriority: 0.95, shedConnections: .infinity)
    /// Parts of the descriptors that there are for connections; the gateway's own are not among them. The count of connections
    /// is held to these exactly, and shedding earlier would only refuse those whom there is room for.
    public var descriptors = Levels(degraded: 0.80, shedLowPriority: .infinity, shedConnections: .infinity)
    /// Parts of a request's deadline. At a quarter a retry does not fit any more; at a half what waits for two is late; at
    /// nine tenths nearly everything is late, and refusing is the kinder answer.
    public var backendLatency = Levels(degraded: 0.25, shedLowPriority: 0.50, shedConnections: 0.75, refuse: 0.90)
    /// An input leaves a rung below so much of the level at which it entered it: 10 % are more than samples differ by at
    /// constant load.
    public var leaveShare = 0.9
    /// How long it must be calm for each step down: ten samples, and long enough to see what the step before has let in.
    public var calmNanoseconds: UInt64 = 1_000_000_000

    public init() {}

    /// Which no level reaches: the ladder stays at normal.
    public static var unreachable: PressureThresholds {
        let never = Levels(
            degraded: .infinity, shedLowPriority: .infinity, shedConnections: .infinity)
        var thresholds = PressureThresholds()
        thresholds.loopBusy = never
        thresholds.loopLag = never
        thresholds.memory = never
        thresholds.openRequests = never
        thresholds.descriptors = never
        thresholds.backendLatency = never
        return thresholds
    }

    func levels(of input: PressureLadder.Input) -> Levels {
        switch input {
        case .loopBusy: self.loopBusy
        case .loopLag: self.loopLag
        case .memory: self.memory
        case .openRequests: self.openRequests
        case .descriptors: self.descriptors
        case .backendLatency: self.backendLatency
        }
    }

    /// The highest rung that has begun at `level`, or that was `held` and has not been left.
    func rung(for level: Double, of input: PressureLadder.Input, held: PressureLadder.Rung) -> PressureLadder.Rung {
        let levels = self.levels(of: input)
        var rung = PressureLadder.Rung.normal
        for candidate in PressureLadder.Rung.allCases where candidate != .normal {
            let enter = levels.enter(candidate)
            if level >= (candidate <= held ? enter * self.leaveShare : enter) { rung = candidate }
        }
        return rung
    }
}
