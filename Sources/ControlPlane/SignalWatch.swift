internal import Dispatch
internal import Foundation

/// The signals that an operator sends, as a sequence. From its start they do not end the process any more.
final class SignalWatch: Sendable {
    enum Event: Sendable {
        case terminate(String)
        case hangUp
    }

    let events: AsyncStream<Event>

    init() {
        let (events, continuation) = AsyncStream<Event>.makeStream()
        let queue = DispatchQueue(label: "signals")
        let watched: [(Int32, Event)] = [
            (SIGINT, .terminate("SIGINT")), (SIGTERM, .terminate("SIGTERM")), (SIGHUP, .hangUp),
        ]
        self.events = events
        for (number, event) in watched {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The handler holds its source: both live as long as the process does.
            source.setEventHandler {
                _ = source
                continuation.yield(event)
            }
            source.resume()
        }
    }
}
