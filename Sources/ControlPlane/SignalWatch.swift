internal import Dispatch
internal import Foundation

/// The signals that an operator sends. From `start` on they do not end the process by themselves.
enum SignalWatch {
    enum Signal: Sendable {
        case terminate(String)
        case hangUp
    }

    /// Calls `received` for each, for as long as the process lives.
    static func start(_ received: @escaping @Sendable (Signal) -> Void) {
        let queue = DispatchQueue(label: "signals")
        let watched: [(Int32, Signal)] = [
            (SIGINT, .terminate("SIGINT")), (SIGTERM, .terminate("SIGTERM")), (SIGHUP, .hangUp),
        ]
        for (number, event) in watched {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The handler holds its source, and so keeps it.
            source.setEventHandler {
                _ = source
                received(event)
            }
            source.resume()
        }
    }
}
