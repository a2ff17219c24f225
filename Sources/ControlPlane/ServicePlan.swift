internal import Admission
internal import Gateway
internal import GatewayRuntime
internal import Reactor
internal import Settings

/// The data path's configuration, from what the operator has set and what the machine has.
struct ServicePlan: Sendable {
    let configuration: RuntimeConfiguration
    let backend: Backend
    let budget: DescriptorBudget
    /// What the operator asked for and does not get, a sentence each.
    let notes: [String]

    init(_ settings: GatewaySettings, descriptorsMax: Int, processors: Int) throws {
        var notes: [String] = []
        let workers: Int
        switch settings.workers {
        case .automatic: workers = processors
        case .count(let count): workers = count
        }
        let backend = BackendConfiguration(settings.index)
        self.budget = try DescriptorBudget(
            descriptorsMax: descriptorsMax, workers: workers, linksPerWorker: backend?.linksMax ?? 0)
        let connectionsMax = min(settings.limits.connectionsMax, self.budget.connectionsMax)
        if connectionsMax < settings.limits.connectionsMax {
            notes.append(
                "connections_max is \(connectionsMax) instead of \(settings.limits.connectionsMax): this process may open "
                    + "\(descriptorsMax) descriptors; raise the hard limit (ulimit -Hn, LimitNOFILE=) for more")
        }
        var configuration = RuntimeConfiguration(
            address: Reactor.SocketAddress(settings.oapAddress), workersCount: workers)
        configuration.live = Self.live(settings, connectionsMax: connectionsMax)
        configuration.unixPath = settings.oapSocket
        configuration.backend = backend
        configuration.listenBacklog = settings.limits.listenBacklog
        configuration.connectionDescriptorsMax = self.budget.connectionsMax
        configuration.bufferBytesMax = settings.limits.bufferMemoryBytesMax
        self.configuration = configuration
        self.backend = try Backend.probe(Backend.Wish(settings.ioBackend))
        self.notes = notes
    }

    /// What a reload may change.
    ///
    /// - Parameter connectionsMax: what there is room for.
    static func live(_ settings: GatewaySettings, connectionsMax: Int) -> LiveConfiguration {
        var live = LiveConfiguration()
        live.limits = Gateway.GatewayLimits(settings.limits)
        live.limits.connectionsMax = min(settings.limits.connectionsMax, connectionsMax)
        live.policy = AdmissionPolicy(settings)
        live.tellsRefusals = settings.logLevel == .debug || settings.logLevel == .trace
        return live
    }
}

extension BackendConfiguration {
    /// Nil for an index of the gateway's own.
    init?(_ index: IndexChoice) {
        guard case .remote(let endpoints) = index else { return nil }
        self.init(
            endpoints: endpoints.map {
                switch $0 {
                case .unix(let path): .unix(path: path)
                case .tcp(let address): .tcp(Reactor.SocketAddress(address))
                }
            })
    }
}

extension Backend.Wish {
    init(_ choice: IOBackendChoice) {
        switch choice {
        case .automatic: self = .automatic
        case .ioUring: self = .only(.uring)
        case .epoll: self = .only(.epoll)
        }
    }
}

extension Reactor.SocketAddress {
    init(_ address: Settings.SocketAddress) {
        let text = address.description
        let host = text.prefix(upTo: text.lastIndex(of: ":") ?? text.endIndex)
        let bare = host.hasPrefix("[") ? host.dropFirst().dropLast() : host
        self.init(host: String(bare), port: address.port)
    }
}

extension Gateway.GatewayLimits {
    init(_ limits: Settings.GatewayLimits) {
        self.init()
        func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }
        self.frameBytesMax = limits.frameBytesMax
        self.connectionsMax = limits.connectionsMax
        self.acceptRate = TokenRate(tokensPerSecond: Double(limits.acceptRate), burst: limits.acceptBurst)
        self.readTimeoutNanoseconds = nanoseconds(limits.readTimeoutMilliseconds)
        self.idleTimeoutNanoseconds = nanoseconds(limits.idleTimeoutMilliseconds)
        self.requestTimeoutNanoseconds = nanoseconds(limits.requestTimeoutMilliseconds)
        self.outputBacklogBytesMax = limits.outputBacklogBytesMax
        self.outputStallTimeoutNanoseconds = nanoseconds(limits.outputStallTimeoutMilliseconds)
        self.drainDeadlineNanoseconds = nanoseconds(limits.drainDeadlineMilliseconds)
    }
}
