internal import Admission
internal import Gateway
internal import GatewayRuntime
internal import Reactor
internal import Settings

/// The data path's configuration, from what the operator has set and what the machine has.
struct ServicePlan: Sendable {
    let configuration: RuntimeConfiguration
    let backend: Backend
    /// What the operator asked for and does not get, a sentence each.
    let notes: [String]

    /// Descriptors that are not clients': the standard ones, the index, the log, the admin port with its connections,
    /// and per worker a listener, an eventfd and a ring or epoll set.
    private static func descriptorsReserved(workers: Int) -> Int { 64 + AdminLimits().connectionsMax + 4 * workers }

    private static let connectionsMin = 16

    init(_ settings: GatewaySettings, descriptorsMax: Int, processors: Int) throws {
        var notes: [String] = []
        let workers: Int
        switch settings.workers {
        case .automatic: workers = processors
        case .count(let count): workers = count
        }
        var configuration = RuntimeConfiguration(
            address: Reactor.SocketAddress(settings.oapAddress), workersCount: workers)
        configuration.live = LiveConfiguration(settings)
        let reserved = Self.descriptorsReserved(workers: workers)
        let connectionsMax = descriptorsMax - reserved
        guard connectionsMax >= Self.connectionsMin else {
            throw DescriptorsTooFew(
                descriptorsMax: descriptorsMax, needed: reserved + Self.connectionsMin, workers: workers)
        }
        if connectionsMax < settings.limits.connectionsMax {
            notes.append(
                "connections_max is \(connectionsMax) instead of \(settings.limits.connectionsMax): this process may open "
                    + "\(descriptorsMax) descriptors; raise the hard limit (ulimit -Hn, LimitNOFILE=) for more")
            configuration.live.limits.connectionsMax = connectionsMax
        }
        configuration.listenBacklog = settings.limits.listenBacklog
        configuration.bufferBytesMax = settings.limits.bufferMemoryBytesMax
        self.configuration = configuration
        self.backend = try Backend.probe(Backend.Wish(settings.ioBackend))
        self.notes = notes
    }
}

/// The process may not open enough descriptors to serve anybody.
struct DescriptorsTooFew: Error, CustomStringConvertible {
    let descriptorsMax: Int
    let needed: Int
    let workers: Int

    var description: String {
        "this process may open \(self.descriptorsMax) descriptors and needs at least \(self.needed) with \(self.workers) "
            + "workers; raise the hard limit (ulimit -Hn, LimitNOFILE=) or lower workers (--workers)"
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

extension LiveConfiguration {
    init(_ settings: GatewaySettings) {
        self.init()
        self.limits = Gateway.GatewayLimits(settings.limits)
        self.tellsRefusals = settings.logLevel == .debug || settings.logLevel == .trace
        self.policy.openMax = settings.oapConcurrency
        self.policy.inflightPerConnectionMax = settings.limits.inflightMax
        self.policy.connection = settings.quotas.connection.map(TokenRate.init)
        self.policy.tenantDefault.requests = settings.quotas.tenant.requests.map(TokenRate.init)
        self.policy.global = settings.quotas.global.map(TokenRate.init)
    }
}

extension TokenRate {
    init(_ quota: Quota) { self.init(tokensPerSecond: quota.perSecond, burst: quota.burst) }
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
        self.readTimeoutNanoseconds = nanoseconds(limits.readTimeoutMilliseconds)
        self.idleTimeoutNanoseconds = nanoseconds(limits.idleTimeoutMilliseconds)
        self.requestTimeoutNanoseconds = nanoseconds(limits.requestTimeoutMilliseconds)
        self.outputBacklogBytesMax = limits.outputBacklogBytesMax
        self.outputStallTimeoutNanoseconds = nanoseconds(limits.outputStallTimeoutMilliseconds)
        self.drainDeadlineNanoseconds = nanoseconds(limits.drainDeadlineMilliseconds)
    }
}
