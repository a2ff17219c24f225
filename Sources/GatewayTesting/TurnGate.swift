public import Reactor
internal import Synchronization

/// Holds one worker between its turns and lets it make them one by one: what a turn does can then be counted, whatever
/// else the machine is busy with. Open at first. Any thread but the worker's.
public final class TurnGate: Sendable {
    /// Turns that have reached the gate, and those that may pass it.
    private let arrived = Atomic<Int>(0)
    private let allowed = Atomic<Int>(.max)
    private let allowing: Waker
    private let arriving: Waker

    public init() throws(SystemError) {
        self.allowing = try Waker()
        self.arriving = try Waker()
    }

    /// For `HookedKernel`. While the gate is closed no turn sleeps long: what a step waits for is there, or nothing is.
    @Sendable public func hook(_ timeoutNanoseconds: UInt64?) throws(SystemError) -> UInt64? {
        let (_, number) = self.arrived.add(1, ordering: .acquiringAndReleasing)
        self.arriving.wake()
        while number > self.allowed.load(ordering: .acquiring) { self.allowing.waitForWake(timeoutMilliseconds: 50) }
        guard self.allowed.load(ordering: .acquiring) < .max else { return timeoutNanoseconds }
        return min(timeoutNanoseconds ?? .max, 10_000_000)
    }

    /// Lets no further turn begin. `poke` ends the sleep of the one that goes on; returns once it is over.
    public func close(_ poke: () -> Void) {
        self.allowed.store(self.arrived.load(ordering: .acquiring), ordering: .releasing)
        poke()
        self.waitForTurn()
    }

    /// Lets one turn begin and returns once it is over.
    public func step() {
        self.allowed.add(1, ordering: .acquiringAndReleasing)
        self.allowing.wake()
        self.waitForTurn()
    }

    public func open() {
        self.allowed.store(.max, ordering: .releasing)
        self.allowing.wake()
    }

    /// Traps after ten seconds: the worker is gone then.
    private func waitForTurn() {
        for _ in 0..<200 {
            if self.arrived.load(ordering: .acquiring) > self.allowed.load(ordering: .acquiring) { return }
            self.arriving.waitForWake(timeoutMilliseconds: 50)
        }
        preconditionFailure("the worker has made no turn for ten seconds")
    }
}
