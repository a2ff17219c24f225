public import Gateway
public import IndexStore
internal import Synchronization

/// The index directory of this process, which may not be there yet, and which may be replaced. Any thread.
public final class IndexSource: Sendable {
    public let path: String
    private let opened = Mutex<IndexEnvironment?>(nil)
    /// Counts the environments that were opened; 0 exactly while there is none. Workers compare it at each lookup.
    private let generationCount = Atomic<Int>(0)

    public init(path: String) { self.path = path }

    public var environment: IndexEnvironment? { self.opened.withLock { $0 } }

    var generation: Int { self.generationCount.load(ordering: .acquiring) }

    /// Opens the index when it is not open, or when other files stand under its path now; afterwards every worker
    /// finds it. The error is what readiness reports; what was open before goes on serving.
    ///
    /// - Returns: true when there was something to open.
    @discardableResult
    public func open() throws(IndexError) -> Bool {
        let current = self.environment
        let environment: IndexEnvironment
        if let current {
            guard current.presence == .replaced else { return false }
            environment = try current.reopened()
        } else {
            environment = try IndexEnvironment(readOnlyAt: self.path)
        }
        environment.warm()
        self.opened.withLock { $0 = environment }
        self.generationCount.add(1, ordering: .releasing)
        return true
    }
}

/// A worker's view of the embedded LMDB index.
public struct EmbeddedIndex: WorkerIndex, ~Copyable {
    public static var answersAtOnce: Bool { true }

    private let source: IndexSource
    private var reader: IndexReader? = nil
    /// The source's generation that `reader` is of.
    private var generation = 0

    public init(source: IndexSource) { self.source = source }

    public mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        if self.generation != self.source.generation || self.reader == nil, let failure = self.makeReader() {
            return .failed(failure)
        }
        switch self.reader?.lookup(key, found) {
        case .found: return .found
        case .absent: return .absent
        case .failed(let error): return .failed(IndexFailure(detail: error.description))
        case nil: return .failed(IndexFailure(detail: "no reader"))
        }
    }

    public mutating func endTurn() { self.reader?.endTurn() }

    public var nextLateNanoseconds: UInt64? { nil }
    public mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer? { nil }

    private mutating func makeReader() -> IndexFailure? {
        self.reader = nil
        self.generation = self.source.generation
        guard let environment = self.source.environment else {
            return IndexFailure(detail: "the index at \(self.source.path) is not open")
        }
        do throws(IndexError) {
            self.reader = try environment.makeReader()
            return nil
        } catch {
            return IndexFailure(detail: error.description)
        }
    }
}
