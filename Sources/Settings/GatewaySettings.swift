/// Everything that a gateway can be told, checked. `SettingsLoader` is what makes one from a file, the environment and
/// flags; `init()` is the default configuration.
///
/// Ranges and the one line of documentation of each key stand in `SettingKey.all`.
public struct GatewaySettings: Sendable, Equatable {
    /// Where OAP/1 is served.
    public var oapAddress = SocketAddress(loopbackPort: 9444)

    /// A Unix socket to serve OAP/1 on instead of `oapAddress`.
    public var oapSocket: String?

    /// Where `/metrics`, `/healthz`, `/readyz`, `/version` and `/resolve` are served over HTTP.
    public var metricsAddress = SocketAddress(loopbackPort: 9909)

    /// Most requests that may be open in the process at once.
    public var oapConcurrency = 1024

    public var workers = Workers.automatic
    public var ioBackend = IOBackendChoice.automatic

    /// Where names are looked up.
    public var index = IndexChoice.embedded(path: nil)

    /// Directory of the embedded index; a relative one starts at the working directory.
    public var indexPath = ".data/index"

    /// Tells the gateways of one machine apart: names the control socket.
    public var instance = InstanceName.standard

    public var controlSocket = ControlSocketChoice.automatic

    public var logFormat = LogFormat.text
    public var logLevel = LogLevel.info
    public var limits = GatewayLimits()
    public var quotas = QuotaSettings()
    public var costs = CostSettings()
    public var overload = OverloadSettings()

    /// Tenants with quotas of their own, at most `NamedTenantSettings.countMax`; ids and names are unique.
    public var tenants: [NamedTenantSettings] = []

    public init() {}

    /// Directory of the embedded index; nil when names are looked up elsewhere.
    public var embeddedIndexPath: String? {
        switch self.index {
        case .embedded(let path): path ?? self.indexPath
        case .remote: nil
        }
    }
}

/// What bounds connections, frames, memory and time. The defaults are the table of limits in the OAP/1 contract.
public struct GatewayLimits: Sendable, Equatable {
    /// Open requests per connection.
    public var inflightMax = 64

    /// Connections of the process; fewer when descriptors are few.
    public var connectionsMax = 16_384

    /// Connections a second that the process takes in for long, and at once. By default all that it holds may come back at
    /// once, as they do after a failure elsewhere.
    public var acceptRate = 4_096
    public var acceptBurst = 16_384

    /// Longest frame, its header included.
    public var frameBytesMax = 1 << 20

    /// A partial frame without progress for this long ends its connection.
    public var readTimeoutMilliseconds = 5_000

    /// A connection with nothing open for this long ends.
    public var idleTimeoutMilliseconds = 60_000

    /// From a request's arrival to its `deadline_exceeded`.
    public var requestTimeoutMilliseconds = 5_000

    /// Answers that one connection may leave unread. At least `frameBytesMax`.
    public var outputBacklogBytesMax = 2 << 20

    /// A connection over its backlog for this long is closed.
    public var outputStallTimeoutMilliseconds = 5_000

    /// From the first signal to the exit, at most.
    public var drainDeadlineMilliseconds = 10_000

    /// Connections that the kernel queues per listener.
    public var listenBacklog = 4_096

    /// Split-frame and output buffers of the whole process. At least `frameBytesMax + outputBacklogBytesMax`.
    public var bufferMemoryBytesMax = 512 << 20

    public init() {}
}
