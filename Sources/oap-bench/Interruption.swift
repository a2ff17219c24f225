import Dispatch
import Glibc
import LoadGeneration

/// Ends a run early on SIGINT and SIGTERM, so that its report is still printed; a second signal ends the process.
final class Interruption {
    private var sources: [any DispatchSourceSignal] = []

    init(_ control: LoadControl) {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                signal(number, SIG_DFL)
                control.stop()
            }
            source.resume()
            self.sources.append(source)
        }
    }
}
