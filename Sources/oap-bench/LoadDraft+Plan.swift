import LoadGeneration
import Reactor

extension LoadDraft {
    /// The plan of one run, with a default for what nobody has said.
    ///
    /// - Parameter keys: empty exactly when the workload needs none.
    func plan(
        server: SocketAddress, backend: LoopBackend, keys: KeySet, scenario: String?, toolVersion: String
    ) -> LoadPlan {
        var plan = LoadPlan(server: server)
        plan.mode = self.isClosed == true ? .closed : .open(self.arrivals)
        plan.workload = self.workloadChosen
        plan.keys = keys
        if self.keyChoice == "zipf" {
            plan.keyChoice = .zipf(exponent: self.zipfExponent ?? LoadDefaults.zipfExponent)
        }
        plan.hitRatio = self.hitRatio ?? 1
        plan.keysPerRequest = self.keysPerRequest ?? LoadDefaults.keysPerRequest
        plan.payloadBytes = self.payloadBytes ?? LoadPlan.payloadBytesRange.lowerBound
        plan.tenantsCount = self.tenants ?? 0
        plan.connectionsCount = self.connections ?? LoadDefaults.connections
        plan.depth = self.depth ?? (self.isClosed == true ? LoadDefaults.depthClosed : LoadDefaults.depthOpen)
        plan.requestsPerConnection = self.churn
        plan.idleConnectionsCount = self.idleConnections ?? 0
        plan.threadsCount = self.threads ?? 1
        plan.warmupNanoseconds = Self.nanoseconds(self.warmupMilliseconds ?? self.warmupDefault)
        plan.durationNanoseconds = Self.nanoseconds(self.durationMilliseconds ?? LoadDefaults.durationMilliseconds)
        plan.timeoutNanoseconds = Self.nanoseconds(self.timeoutMilliseconds ?? LoadDefaults.timeoutMilliseconds)
        plan.scheduleLagMaxNanoseconds = self.scheduleLagMaxMilliseconds.map(Self.nanoseconds)
        plan.seed = UInt64(self.seed ?? 1)
        plan.backend = backend
        plan.expected = self.expect.flatMap { ExpectedStatuses($0) } ?? .successOnly
        plan.scenario = scenario
        plan.toolVersion = toolVersion
        return plan
    }

    var workloadChosen: Workload { self.workload.flatMap(Workload.init) ?? LoadDefaults.workload }

    private var arrivals: ArrivalPlan {
        var arrivals = ArrivalPlan(rate: self.rate ?? LoadDefaults.rate)
        switch self.arrival {
        case "poisson": arrivals.pattern = .poisson
        case "burst": arrivals.pattern = .burst(self.burst ?? LoadDefaults.burst)
        default: break
        }
        arrivals.rampFromRate = self.rampFrom ?? 0
        arrivals.rampNanoseconds = Self.nanoseconds(self.rampMilliseconds ?? 0)
        return arrivals
    }

    private var warmupDefault: Int {
        self.isClosed == true ? LoadDefaults.warmupClosedMilliseconds : LoadDefaults.warmupOpenMilliseconds
    }

    private static func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }
}

extension LoadPlan {
    /// Requests a second after the ramp; nil in a closed loop.
    var rate: Double? {
        switch self.mode {
        case .closed: nil
        case .open(let arrivals): arrivals.rate
        }
    }

    /// Requests that are due in the measured time of an open loop; nil in a closed one, where nobody knows.
    var requestsDueTotal: UInt64? {
        // A ramp has fewer, so that what is final by this number is final.
        self.rate.map { UInt64($0 * Double(self.durationNanoseconds) / 1e9) }
    }
}
