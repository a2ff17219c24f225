/// What a gateway admits by: every limit and quota in one value, which can be replaced while it runs. By default only
/// the two counts hold.
public struct AdmissionPolicy: Equatable, Sendable {
    /// Tenants with a quota of their own.
    public static let namedTenantsMax = 4096

    /// Requests open in the process at once; at least 1.
    public var openMax = 1024
    /// Of these, how many only critical requests may take; below `openMax`.
    public var criticalReserve = 0
    /// Requests open on one connection at once; at least 1.
    public var inflightPerConnectionMax = 64
    /// Tokens of all requests together.
    public var global: TokenRate?
    /// Frames of each connection.
    public var connection: TokenRate?
    /// Each tenant that has none of its own.
    public var tenantDefault = TenantQuota()
    /// At most `namedTenantsMax`, each named once.
    public var tenants: [NamedTenant] = []
    public var costs = RequestCosts()
    public var source = SourceLimits()
    /// Who may wait for a permit, in each worker.
    public var waiting = WaitingLimits()
    /// Whether ordinary requests are held to a limit that follows the latency of the index, below `openMax`.
    public var isAdaptive = false

    public init() {}

    /// Places that a worker needs for open and waiting requests.
    public var placesMax: Int { self.openMax + self.waiting.lengthMax }
}

/// What one tenant may take; nil is no limit.
public struct TenantQuota: Equatable, Sendable {
    /// In tokens: a request takes what its `RequestCost` says.
    public var requests: TokenRate?
    /// In bytes of frames as received.
    public var bytes: TokenRate?
    /// Requests, whatever they cost, per day of UTC; at least 1.
    public var requestsPerDay: Int?
    /// Whether its requests may take the reserved permits and wait before the others.
    public var isCritical: Bool

    public init(
        requests: TokenRate? = nil, bytes: TokenRate? = nil, requestsPerDay: Int? = nil, isCritical: Bool = false
    ) {
        precondition(requestsPerDay.map { $0 >= 1 && $0 <= DayCount.requestsMax } ?? true)
        self.requests = requests
        self.bytes = bytes
        self.requestsPerDay = requestsPerDay
        self.isCritical = isCritical
    }

    var limitsNothing: Bool { self.requests == nil && self.bytes == nil && self.requestsPerDay == nil }
}

/// A tenant with a quota of its own, which replaces the default one whole.
public struct NamedTenant: Equatable, Sendable {
    public var tenant: UInt128
    public var name: String
    public var quota: TenantQuota

    public init(tenant: UInt128, name: String, quota: TenantQuota) {
        self.tenant = tenant
        self.name = name
        self.quota = quota
    }
}

/// What requests cost, by application.
public struct RequestCosts: Equatable, Sendable {
    /// Of the index.
    public var index = RequestCost()
    /// Of every other application.
    public var other = RequestCost()

    public init() {}
}

/// The tokens of one request: a part for each and a part by its size.
public struct RequestCost: Equatable, Sendable {
    /// 0 or more.
    public var baseTokens: Int
    /// 0 or more, for each begun share of a kibibyte that makes one token.
    public var tokensPerKibibyte: Int

    public init(baseTokens: Int = 1, tokensPerKibibyte: Int = 0) {
        precondition(baseTokens >= 0 && tokensPerKibibyte >= 0)
        self.baseTokens = baseTokens
        self.tokensPerKibibyte = tokensPerKibibyte
    }

    /// Rounded up to whole tokens.
    @inlinable
    public func tokens(bytes: Int) -> Int {
        guard self.tokensPerKibibyte > 0 else { return self.baseTokens }
        return self.baseTokens + (self.tokensPerKibibyte * bytes + 1023) / 1024
    }
}

/// What one source address may take; nil is no limit.
public struct SourceLimits: Equatable, Sendable {
    /// Connections open at once; at least 1.
    public var connectionsMax: Int?
    /// New connections.
    public var handshakes: TokenRate?

    public init(connectionsMax: Int? = nil, handshakes: TokenRate? = nil) {
        precondition(connectionsMax.map { $0 >= 1 } ?? true)
        self.connectionsMax = connectionsMax
        self.handshakes = handshakes
    }
}
