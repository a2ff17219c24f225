internal import Admission
internal import Gateway
internal import IndexStore
internal import Reactor

/// The most user memory that the data path takes, as a sum whose terms can be shown to people.
public struct MemoryCeiling: Sendable {
    public struct Term: Sendable {
        /// What takes it: `sessions`.
        public let name: String
        /// How many there are at most.
        public let count: Int
        /// What the count counts: `connections`.
        public let unit: String
        public let bytesEach: Int

        public var bytes: Int { self.count * self.bytesEach }
    }

    public let terms: [Term]
    public var bytes: Int { self.terms.reduce(0) { $0 + $1.bytes } }

    /// Bytes per session: its slots in the worker's tables, without buffers.
    public static let sessionBytes = 512

    /// Any worker may have all sessions and all open requests, so their tables count per worker where they do not move.
    public init(_ configuration: RuntimeConfiguration, live: LiveConfiguration) {
        let workers = configuration.workersCount
        let kernel = configuration.kernelLimits
        self.terms =
            [
                Term(
                    name: "sessions", count: live.limits.connectionsMax, unit: "connections",
                    bytesEach: Self.sessionBytes),
                Term(
                    name: "receive buffers", count: workers * kernel.buffersCount, unit: "buffers",
                    bytesEach: kernel.bufferBytes),
                Term(
                    name: "open requests", count: workers * live.policy.placesMax, unit: "places",
                    bytesEach: WorkerCore.placeBytes),
                Term(
                    name: "waiting payloads", count: workers * live.policy.waiting.lengthMax, unit: "payloads",
                    bytesEach: WorkerCore.waitingPayloadBytes),
                Term(
                    name: "waiting room", count: workers, unit: "workers",
                    bytesEach: WaitingRoom.bytes(lengthMax: live.policy.waiting.lengthMax)),
                Term(
                    name: "tenants and sources", count: 1, unit: "set of tables",
                    bytesEach: IngressAdmission.tableBytesMax),
                Term(name: "index readers", count: workers, unit: "workers", bytesEach: IndexLimits.readerBytesMax),
            ] + Self.forwarding(configuration) + [
                Term(name: "split frames and output", count: 1, unit: "budget", bytesEach: configuration.bufferBytesMax)
            ]
    }

    /// Nothing in a gateway that forwards nothing.
    private static func forwarding(_ configuration: RuntimeConfiguration) -> [Term] {
        guard let backend = configuration.backend else { return [] }
        let each = BackendLinks.bytes(backend, exchangesMax: configuration.openCapacity)
        return [Term(name: "forwarded requests", count: configuration.workersCount, unit: "workers", bytesEach: each)]
    }
}
