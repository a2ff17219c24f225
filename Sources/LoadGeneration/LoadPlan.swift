import ArgumentParser
import Reactor

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
    static let successOnly = Self(statuses: [200])

    let statuses: [UInt16]

    private init(statuses: [UInt16]) { self.statuses = statuses }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { UInt16($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0.map { (100...599).contains($0) } ?? false }) else { return nil }
        self.statuses = parts.compactMap { $0 }
    }

    var defaultValueDescription: String { self.statuses.map(String.init).joined(separator: ",") }

    func contains(_ status: UInt16) -> Bool { self.statuses.contains(status) }
}

/// Arguments whose refusal says what was expected.
enum LoadArgument {
    static func timeSpan(_ text: String) throws -> TimeSpan {
        guard let span = TimeSpan(parsing: text) else {
            throw ValidationError("It is a whole number with a unit, as 500ms, 10s or 2m, from 1ms to 1440m.")
        }
        return span
    }

    static func keyPattern(_ text: String) throws -> KeyPattern {
        guard let pattern = KeyPattern(parsing: text) else {
            throw ValidationError(
                "It has one %d, or %0Nd with N from 1 to 18 for a number of N digits, as name:key%06d.")
        }
        return pattern
    }
}
