import FlyingSocks
import Logging

/// FlyingFox logs through a protocol of its own and prints to stdout unless told otherwise; here it reaches our log,
/// with its chatter about single events a level lower than it thinks.
struct AdminSocketLog: FlyingSocks.Logging {
    let logger: Logger

    func logDebug(_ debug: @autoclosure () -> String) { self.log(.trace, debug()) }
    func logInfo(_ info: @autoclosure () -> String) { self.log(.debug, info()) }
    func logWarning(_ warning: @autoclosure () -> String) { self.log(.warning, warning()) }
    func logError(_ error: @autoclosure () -> String) { self.log(.error, error()) }
    func logCritical(_ critical: @autoclosure () -> String) { self.log(.critical, critical()) }

    private func log(_ level: Logger.Level, _ text: @autoclosure () -> String) {
        guard self.logger.logLevel <= level else { return }
        self.logger.log(level: level, "admin sockets", metadata: ["event": .string(text())])
    }
}
