import Foundation
public import Logging
import Synchronization

/// Sends the process' log to stderr.
public enum LogSetup {
    private static let writer = Mutex<LogWriter?>(nil)
    private static let threshold = LogThreshold(.info)

    /// The lowest level that is written, by every logger; may be changed at any time.
    public static var level: Logger.Level {
        get { self.threshold.level }
        set { self.threshold.level = newValue }
    }

    /// Makes every `Logger` that is created from now on write lines to stderr. Call once, first thing in `main`.
    ///
    /// Ignores SIGPIPE, so that a reader of stderr that goes away costs lines and not the process, and empties the
    /// queue of lines at `exit`.
    ///
    /// - Parameter level: the lowest level that is written.
    public static func bootstrap(format: LogLineFormat, level: Logger.Level) {
        signal(SIGPIPE, SIG_IGN)
        self.level = level
        let writer = LogWriter(.standardError) { dropped in
            LogLine.render(
                format, timestamp: LogTimestamp.text(Date()), level: .warning,
                message: "log lines were dropped: stderr is not read fast enough",
                metadata: ["log_lines_dropped": .stringConvertible(dropped)])
        }
        self.writer.withLock { $0 = writer }
        LoggingSystem.bootstrap { _ in
            LineLogHandler(format: format, threshold: self.threshold, write: writer.write)
        }
        atexit { LogSetup.flush(withinMilliseconds: 1000) }
    }

    /// Waits until what was logged has been written, or the time is over. `exit` does it; `_exit` and a trap do not.
    public static func flush(withinMilliseconds milliseconds: Int) {
        self.writer.withLock { $0 }?.flush(withinMilliseconds: milliseconds)
    }

    /// Lines that never reached stderr because it was closed, broken or not read; 0 before `bootstrap`. For a metric.
    public static var linesDropped: UInt64 {
        self.writer.withLock { $0 }?.linesDropped ?? 0
    }
}
