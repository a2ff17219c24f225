public import Gateway
public import IndexStore
internal import Synchronization

/// The index directory of this process, which may not be there yet. Any thread.
public final class IndexSource: Sendable {
    public let path: String
    private let opened = Mutex<IndexEnvironment?>(nil)
    /// True exactly when `opened` holds an environment; workers look at it once a lookup until they have a reader.
    private let isOpen = Atomic<Bool>(false)

    public init(path: String) { self.path = path }

    public var environment: IndexEnvironment? {
        self.isOpen.load(ordering: .acquiring) ? self.opened.withLock { $0 } : nil
    }

    /// Opens the index when it is not open; afterwards every worker finds it. The error is what readiness reports.
    public func open() throws(IndexError) {
        guard !self.isOpen.load(ordering: .acquiring) else { return }
        let environment = try IndexEnvironment(readOnlyAt: self.path)
        environment.warm()
        self.opened.withLock { $0 = environment }
        self.isOpen.store(true, ordering: .releasing)
    }
}

/// A worker's view of the embedded LMDB index.
public struct EmbeddedIndex: WorkerIndex, ~Copyable {
    private let source: IndexSource
    private var reader: IndexReader? = nil

    public init(source: IndexSource) { self.source = source }

    public mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        if self.reader == nil, let failure = self.makeReader() { return .failed(failure) }
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
