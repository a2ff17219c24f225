/// How a gateway is doing: the answer of `GET /v1/status`.
public struct StatusReport: Codable, Sendable, Equatable {
    /// So much of so much.
    public struct Usage: Codable, Sendable, Equatable {
        public var used: Int
        public var max: Int

        public init(used: Int, max: Int) {
            self.used = used
            self.max = max
        }
    }

    public struct Backend: Codable, Sendable, Equatable {
        /// `io_uring` or `epoll`.
        public var io: String
        /// Why that one.
        public var reason: String

        public init(io: String, reason: String) {
            self.io = io
            self.reason = reason
        }
    }

    public struct Configuration: Codable, Sendable, Equatable {
        /// Nil when there is no file.
        public var file: String?
        /// Counts what was adopted, from 1 for the start's.
        public var epoch: Int
        public var reloads: Int
        public var reloadsRefused: Int
        /// Keys whose values in the file wait for a restart.
        public var restartNeeded: [String]

        public init(file: String?, epoch: Int, reloads: Int, reloadsRefused: Int, restartNeeded: [String]) {
            self.file = file
            self.epoch = epoch
            self.reloads = reloads
            self.reloadsRefused = reloadsRefused
            self.restartNeeded = restartNeeded
        }
    }

    public struct Worker: Codable, Sendable, Equatable {
        public var number: Int
        public var connections: Int
        public var open: Int
        /// Of the configuration that it works by.
        public var epoch: Int

        public init(number: Int, connections: Int, open: Int, epoch: Int) {
            self.number = number
            self.connections = connections
            self.open = open
            self.epoch = epoch
        }
    }

    public struct Index: Codable, Sendable, Equatable {
        /// Of the embedded index its directory, else the addresses that lookups are forwarded to.
        public var path: String
        public var isForwarded: Bool
        /// Nil while it is not open, or of another process.
        public var records: Int?

        public init(path: String, isForwarded: Bool, records: Int?) {
            self.path = path
            self.isForwarded = isForwarded
            self.records = records
        }
    }

    public struct Quota: Codable, Sendable, Equatable {
        /// `global`, `tenant`, `connection`, …; `source_connections` and `source_rate` are about one address.
        public var scope: String
        /// As the configuration has it: `1000/s burst 200`; nil when it is off.
        public var rate: String?
        /// Requests that it refused since the start; connections where it is about addresses.
        public var refused: UInt64

        public init(scope: String, rate: String?, refused: UInt64) {
            self.scope = scope
            self.rate = rate
            self.refused = refused
        }
    }

    /// How hard the process is pressed.
    public struct Pressure: Codable, Sendable, Equatable {
        /// `normal`, `degraded`, `shed_low_priority`, `shed_connections` or `refuse`.
        public var rung: String
        /// What presses; nil exactly when the rung is normal.
        public var reason: String?

        public init(rung: String, reason: String?) {
            self.rung = rung
            self.reason = reason
        }
    }

    public struct Rejection: Codable, Sendable, Equatable {
        /// A code of OAP/1.
        public var reason: String
        /// Since the start.
        public var count: UInt64

        public init(reason: String, count: UInt64) {
            self.reason = reason
            self.count = count
        }
    }

    public struct Tenant: Codable, Sendable, Equatable {
        /// As the configuration names it, else its id like `0x2a`; `other` for all that are not listed.
        public var name: String
        /// Its requests since it is told apart, which is about since the start for who was active then: those that were admitted,
        public var admitted: UInt64
        /// refused for what it asks for (429),
        public var quota: UInt64
        /// and refused for what the gateway can take (503).
        public var overload: UInt64

        public init(name: String, admitted: UInt64, quota: UInt64, overload: UInt64) {
            self.name = name
            self.admitted = admitted
            self.quota = quota
            self.overload = overload
        }
    }

    public var instance: String
    public var version: String
    public var commit: String
    public var pid: Int
    /// RFC 3339 in UTC.
    public var started: String
    public var uptimeSeconds: Int
    public var ready: Bool
    /// Why it is not ready; empty exactly when it is.
    public var reasons: [String]
    public var backend: Backend
    public var oapAddr: String
    public var metricsAddr: String
    public var configuration: Configuration
    public var workers: [Worker]
    public var connections: Usage
    /// Open requests.
    public var requests: Usage
    public var pressure: Pressure
    /// Most ordinary requests open at once, as the index' latency has it; nil while that is off.
    public var adaptiveLimit: Int?
    /// Bytes of output and assembly blocks.
    public var bufferMemory: Usage
    public var index: Index
    public var quotas: [Quota]
    /// Those that there were, the most frequent first.
    public var rejections: [Rejection]
    /// The most active, and the others last; empty when there were no requests.
    public var tenants: [Tenant]

    public init(
        instance: String, version: String, commit: String, pid: Int, started: String, uptimeSeconds: Int, ready: Bool,
        reasons: [String], backend: Backend, oapAddr: String, metricsAddr: String, configuration: Configuration,
        workers: [Worker], connections: Usage, requests: Usage, pressure: Pressure, adaptiveLimit: Int?,
        bufferMemory: Usage, index: Index, quotas: [Quota], rejections: [Rejection],
        tenants: [Tenant]
    ) {
        self.instance = instance
        self.version = version
        self.commit = commit
        self.pid = pid
        self.started = started
        self.uptimeSeconds = uptimeSeconds
        self.ready = ready
        self.reasons = reasons
        self.backend = backend
        self.oapAddr = oapAddr
        self.metricsAddr = metricsAddr
        self.configuration = configuration
        self.workers = workers
        self.connections = connections
        self.requests = requests
        self.pressure = pressure
        self.adaptiveLimit = adaptiveLimit
        self.bufferMemory = bufferMemory
        self.index = index
        self.quotas = quotas
        self.rejections = rejections
        self.tenants = tenants
    }
}
