import Logging
import Synchronization

/// The least severe level that is written, for all loggers at once: a reload changes it.
final class LogThreshold: Sendable {
    private let value: Mutex<Logger.Level>

    init(_ level: Logger.Level) { self.value = Mutex(level) }

    var level: Logger.Level {
        get { self.value.withLock { $0 } }
        set { self.value.withLock { $0 = newValue } }
    }
}
