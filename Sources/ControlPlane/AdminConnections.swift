import Synchronization

/// Who is connected, and for how long each may still be. One lock, held for a few instructions.
///
/// The socket layer has neither a maximum of connections nor a timeout on reads and writes; cancelling a connection's
/// task ends any wait of it, so both come from here.
final class AdminConnections: Sendable {
    /// What a connection is doing. Only one that answers nobody may be ended to make room.
    enum Phase {
        case reading
        case answering
        case lingering
        /// Its task was cancelled and is about to end.
        case ended
    }

    enum Admission: Equatable {
        case admitted(UInt64)
        case full
    }

    private struct Entry {
        var phase = Phase.reading
        var deadline: ContinuousClock.Instant
        /// Nil exactly until `attach`.
        var task: Task<Void, Never>?
    }

    private struct State {
        /// By identifier, which grows: the lowest one is the oldest connection.
        var entries: [UInt64: Entry] = [:]
        var identifierNext: UInt64 = 0
        var isStopping = false
    }

    private let connectionsMax: Int
    private let state = Mutex(State())

    init(connectionsMax: Int) { self.connectionsMax = connectionsMax }

    /// Takes a place for a new connection, if need be that of the one which has waited longest for a request: a
    /// client that holds connections open must not keep others out.
    func admit(deadline: ContinuousClock.Instant) -> Admission {
        self.state.withLock { state in
            let living = state.entries.filter { $0.value.phase != .ended }
            if living.count >= self.connectionsMax {
                // The ended ones still hold descriptors until their tasks have run: they are bounded too.
                guard state.entries.count < self.connectionsMax * 2,
                    let oldest = living.filter({ $0.value.phase != .answering }).keys.min()
                else { return .full }
                Self.end(oldest, &state)
            }
            let identifier = state.identifierNext
            state.identifierNext += 1
            state.entries[identifier] = Entry(deadline: deadline)
            return .admitted(identifier)
        }
    }

    /// Makes the task known that serves an admitted connection.
    func attach(_ task: Task<Void, Never>, to identifier: UInt64) {
        self.state.withLock { state in
            // Already gone when the task was quicker than we are.
            guard let entry = state.entries[identifier] else { return }
            state.entries[identifier]?.task = task
            if entry.phase == .ended { task.cancel() }
        }
    }

    /// Returns false when the connection must end instead: its place was taken, or the server stops and this would be
    /// another request.
    func enter(_ phase: Phase, _ identifier: UInt64, deadline: ContinuousClock.Instant) -> Bool {
        self.state.withLock { state in
            guard let entry = state.entries[identifier], entry.phase != .ended else { return false }
            if state.isStopping && phase == .reading { return false }
            state.entries[identifier]?.phase = phase
            state.entries[identifier]?.deadline = deadline
            return true
        }
    }

    func remove(_ identifier: UInt64) {
        self.state.withLock { state in _ = state.entries.removeValue(forKey: identifier) }
    }

    /// Ends what has passed its deadline.
    func expire(now: ContinuousClock.Instant) {
        self.state.withLock { state in
            for (identifier, entry) in state.entries where entry.phase != .ended && entry.deadline <= now {
                Self.end(identifier, &state)
            }
        }
    }

    /// Ends what waits for a request; what is being answered has until its deadline.
    func stop() {
        self.state.withLock { state in
            state.isStopping = true
            for (identifier, entry) in state.entries where entry.phase == .reading {
                Self.end(identifier, &state)
            }
        }
    }

    /// True when cancelled connections have not gone yet although their places were given away twice over.
    var isCrowded: Bool { self.state.withLock { $0.entries.count >= self.connectionsMax * 2 } }
    var isStopping: Bool { self.state.withLock { $0.isStopping } }
    var count: Int { self.state.withLock { $0.entries.count } }

    /// Returns when nobody is connected any more. Nobody may be admitted meanwhile.
    func emptied() async {
        while true {
            let tasks = self.state.withLock { $0.entries.values.compactMap(\.task) }
            guard !tasks.isEmpty else { return }
            for task in tasks { await task.value }
        }
    }

    private static func end(_ identifier: UInt64, _ state: inout State) {
        state.entries[identifier]?.phase = .ended
        state.entries[identifier]?.task?.cancel()
    }
}
