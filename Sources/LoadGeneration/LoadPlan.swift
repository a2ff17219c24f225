internal import OAP
public import Reactor

/// Whether requests come by a schedule of their own or by the answers to earlier ones.
public enum LoadMode: Equatable, Sendable {
    /// Requests are due at the times of a schedule, whatever the server does.
    case open(ArrivalPlan)
    /// A new request leaves when an answer has come: the load never exceeds what the server answers.
    case closed
}

/// Everything that a run is started with.
public struct LoadPlan: Sendable {
    public static let connectionsMax = 60_000
    public static let depthMax = 1024
    public static let threadsMax = 64
    public static let tenantsMax = 100_000_000
    /// Bytes of a PING: a number of eight bytes is in it, and the protocol allows 64.
    public static let payloadBytesRange = 8...64

    public var server: SocketAddress
    public var mode = LoadMode.open(ArrivalPlan())
    public var workload = Workload.ping
    /// What resolve and resolve many draw from; not looked at by other workloads.
    public var keys = KeySet()
    public var keyChoice = NumberChoice.uniform
    /// Share of keys that are in the index; the others are made up, and 404 (or null) is what they expect.
    public var hitRatio = 1.0
    /// Keys of one resolve many.
    public var keysPerRequest = 16
    /// Bytes of one PING.
    public var payloadBytes = 8
    /// 0: every request is anonymous. Otherwise tenants 1 to this number.
    public var tenantsCount = 0
    public var tenantChoice = NumberChoice.uniform
    /// Connections that carry requests, of all threads together.
    public var connectionsCount = 50
    /// Most requests in flight on each connection.
    public var depth = 1
    /// After so many requests a connection is closed and a new one opened; nil keeps it.
    public var requestsPerConnection: Int?
    /// Connections that are held open beside those and carry nothing.
    public var idleConnectionsCount = 0
    public var threadsCount = 1
    /// Part of the schedule that comes first and is not in the report.
    public var warmupNanoseconds: UInt64 = 0
    /// How long requests are due, after the warm-up.
    public var durationNanoseconds: UInt64 = 10_000_000_000
    /// How long a connect may take, and how long the last answers are waited for.
    public var timeoutNanoseconds: UInt64 = 5_000_000_000
    /// How late 99 % of the requests of an open loop may leave although a slot is free, before the report has no verdict;
    /// nil for what nobody would call late. For a machine that others hold up now and then.
    public var scheduleLagMaxNanoseconds: UInt64?
    /// The same seed asks for the same things in the same order.
    public var seed: UInt64 = 1
    public var backend = LoopBackend.epoll
    public var expected = ExpectedStatuses.successOnly
    /// Both are only repeated in the report.
    public var scenario: String?
    public var toolVersion = ""

    public init(server: SocketAddress) { self.server = server }

    /// Says which part of the plan makes no sense, before anything is opened.
    public func check() throws(LoadFailure) {
        try Self.check(self.connectionsCount, in: 1...Self.connectionsMax, "connections")
        try Self.check(self.idleConnectionsCount, in: 0...Self.connectionsMax, "idle connections")
        try Self.check(self.depth, in: 1...Self.depthMax, "requests in flight on a connection (depth)")
        try Self.check(self.threadsCount, in: 1...min(Self.threadsMax, self.connectionsCount), "threads")
        try Self.check(self.payloadBytes, in: Self.payloadBytesRange, "bytes of a PING")
        try Self.check(self.keysPerRequest, in: Workload.keysPerRequestRange, "keys of a request")
        try Self.check(self.tenantsCount, in: 0...Self.tenantsMax, "tenants")
        if let count = self.requestsPerConnection {
            try Self.check(count, in: 1...1_000_000_000, "requests of a connection")
        }
        guard self.durationNanoseconds > 0 else { throw .plan("the duration is 0; it is at least 1ms") }
        guard (0.0...1.0).contains(self.hitRatio) else {
            throw .plan("the hit ratio is \(self.hitRatio); it is 0 to 1")
        }
        for choice in [self.keyChoice, self.tenantChoice] {
            if let problem = choice.problem { throw .plan(problem) }
        }
        guard !self.workload.needsKeys || self.keys.count > 0 else {
            throw .plan("the workload \(self.workload.rawValue) needs keys and there are none")
        }
        switch self.mode {
        case .open(let arrivals): if let problem = arrivals.problem { throw .plan(problem) }
        case .closed: break
        }
    }

    private static func check(_ value: Int, in range: ClosedRange<Int>, _ what: String) throws(LoadFailure) {
        guard !range.contains(value) else { return }
        throw .plan("\(value) \(what): it is \(range.lowerBound) to \(range.upperBound)")
    }

    /// Bytes of one receive: what the answers of one connection's requests may need, within reason.
    var kernelLimits: KernelLimits {
        var bufferBytes = 4096
        let answerBytes = self.workload == .resolveMany ? self.keysPerRequest * 320 : 384
        while bufferBytes < self.depth * answerBytes, bufferBytes < 65_536 { bufferBytes *= 2 }
        return KernelLimits(bufferBytes: bufferBytes, buffersCount: 256, submissionEntries: 1024)
    }

    /// Connections of one thread out of a number: as even as can be.
    func share(of count: Int, thread: Int) -> Range<Int> {
        let start = count * thread / self.threadsCount
        return start..<(count * (thread + 1) / self.threadsCount)
    }

    var isPoisson: Bool {
        guard case .open(let arrivals) = self.mode else { return false }
        return arrivals.pattern == .poisson
    }

    /// Bytes of the largest request.
    var requestBytesMax: Int { self.requestBytes(keyBytes: max(self.keys.longestBytes, AbsentKey.byteCount), 2) }

    /// Bytes of most requests: what room is made for before they are written.
    var requestBytesTypical: Int { self.requestBytes(keyBytes: max(self.keys.typicalBytes, AbsentKey.byteCount), 1) }

    private func requestBytes(keyBytes: Int, _ bytesPerByte: Int) -> Int {
        switch self.workload {
        case .ping: FrameHeader.byteCount + self.payloadBytes
        case .hello: FrameHeader.byteCount
        case .resolve: FrameHeader.byteCount + keyBytes
        // Brackets; for each key quotation marks and a comma, and at worst a backslash before each byte.
        case .resolveMany: FrameHeader.byteCount + 2 + self.keysPerRequest * (3 + bytesPerByte * keyBytes)
        }
    }
}

/// `200` or `200,404`: the statuses that count as success.
public struct ExpectedStatuses: Equatable, Sendable {
    public static let successOnly = Self(verified: [200])

    public let statuses: [UInt16]

    private init(verified statuses: [UInt16]) { self.statuses = statuses }

    /// Nil when it is no list of numbers from 100 to 599.
    public init?(parsing text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let numbers = parts.compactMap { $0 }
        guard numbers.count == parts.count else { return nil }
        self.init(numbers)
    }

    /// Nil when there is none, or one that is not from 100 to 599.
    public init?(_ numbers: [Int]) {
        guard !numbers.isEmpty, numbers.allSatisfy((100...599).contains) else { return nil }
        self.statuses = numbers.map { UInt16($0) }
    }

    public var description: String { self.statuses.map(String.init).joined(separator: ",") }

    public func contains(_ status: UInt16) -> Bool { self.statuses.contains(status) }
}
