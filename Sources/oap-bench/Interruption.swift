import Dispatch
import Glibc
import LoadGeneration
import Synchronization

/// Ends a run early on SIGINT and SIGTERM, so that its report is still printed; a second signal ends the process.
final class Interruption {
    private let request = InterruptionRequest()
    private let sources: [any DispatchSourceSignal]

    init() {
        let request = self.request
        self.sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                signal(number, SIG_DFL)
                request.make()
            }
            source.resume()
            return source
        }
    }

    /// True once there was a signal.
    var isRequested: Bool { self.request.isMade }

    /// Makes signals end the run of `control`; at once when there was one already.
    func watch(_ control: LoadControl) { self.request.watch(control) }
}

/// Whether somebody wants the end, and what ends then. Any thread.
private final class InterruptionRequest: Sendable {
    private struct State: Sendable {
        /// Of the run that goes on now.
        var control: LoadControl?
        var isMade = false
    }

    private let state = Mutex(State())

    var isMade: Bool { self.state.withLock { $0.isMade } }

    func make() {
        let control = self.state.withLock { state in
            state.isMade = true
            return state.control
        }
        control?.stop()
    }

    func watch(_ control: LoadControl) {
        let isMade = self.state.withLock { state in
            state.control = control
            return state.isMade
        }
        if isMade { control.stop() }
    }
}
