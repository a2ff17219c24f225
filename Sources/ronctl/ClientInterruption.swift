import Dispatch
import Glibc
import Reactor
import Synchronization

/// Ctrl-C, for commands that have something to say before they end. A second one ends the process.
final class ClientInterruption {
    private final class State: Sendable {
        let requested = Atomic<Bool>(false)
        let waker: Waker
        init() throws(SystemError) { self.waker = try Waker() }
    }

    private let state: State
    private let source: any DispatchSourceSignal

    init() throws(ClientFailure) {
        let state: State
        do throws(SystemError) { state = try State() } catch {
            throw ClientFailure(message: "the command cannot start: \(error)")
        }
        self.state = state
        signal(SIGINT, SIG_IGN)
        self.source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        self.source.setEventHandler {
            signal(SIGINT, SIG_DFL)
            state.requested.store(true, ordering: .relaxed)
            state.waker.wake()
        }
        self.source.resume()
    }

    var isRequested: Bool { self.state.requested.load(ordering: .relaxed) }

    /// Sleeps until then; true when it was interrupted.
    func sleep(until instant: ContinuousClock.Instant) -> Bool {
        while !self.isRequested {
            let left = (instant - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else { return false }
            self.state.waker.waitForWake(timeoutMilliseconds: Int(left.rounded(.up)))
        }
        return true
    }
}
