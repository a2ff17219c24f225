public import ArgumentParser
public import Reactor

/// Everything that a run is started with, checked.
struct LoadPlan: Sendable {
    static let connectionsMax = 60_000
    static let depthMax = 1024
    static let threadsMax = 64

    let server: SocketAddress
    let workload: Workload
    /// Empty exactly when the workload needs none.
    let keys: KeySet
    let connectionsCount: Int
    /// Requests in flight on each connection.
    let depth: Int
    let threadsCount: Int
    let durationNanoseconds: UInt64
    /// How long a connect may take, and how long the last answers are waited for.
    let timeoutNanoseconds: UInt64
    let seed: UInt64
    let backend: LoopBackend
    let expected: ExpectedStatuses

    /// Bytes of one receive: what the answers of one connection's requests may need, within reason.
    var kernelLimits: KernelLimits {
        var bufferBytes = 4096
        while bufferBytes < self.depth * 384, bufferBytes < 65_536 { bufferBytes *= 2 }
        return KernelLimits(bufferBytes: bufferBytes, buffersCount: 256, submissionEntries: 1024)
    }

    /// Connections of one thread: as even as can be.
    func connections(ofThread thread: Int) -> Range<Int> {
        let start = self.connectionsCount * thread / self.threadsCount
        return start..<(self.connectionsCount * (thread + 1) / self.threadsCount)
    }
}

/// `200` or `200,404`: the statuses that count as success.
struct ExpectedStatuses: ExpressibleByArgument, Sendable {
    let statuses: [UInt16]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { UInt16($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0.map { (100...599).contains($0) } ?? false }) else { return nil }
        self.statuses = parts.compactMap { $0 }
    }

    func contains(_ status: UInt16) -> Bool { self.statuses.contains(status) }
}

extension TimeSpan: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
    public var defaultValueDescription: String { self.description }
}
