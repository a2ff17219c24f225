import ArgumentParser
import Reactor
import Terminal

/// Nothing could be had from the gateway at all: no connection, no answer in time, or bytes that are no OAP/1; or what
/// was had could not be printed.
struct ClientFailure: Error {
    /// Nil when it has been said already.
    let message: String?
    let status: ExitCode

    init(message: String, status: ExitCode = ClientExit.unreachable) {
        self.message = message
        self.status = status
    }

    /// Standard output cannot be written, which has been said.
    init(output status: ExitCode) {
        self.message = nil
        self.status = status
    }

    init(connecting error: SystemError) {
        self.init(message: "cannot connect to \(error.subject): \(error.name); \(Self.remedy(error))")
    }

    /// The connection broke while an answer was awaited.
    init(_ error: SystemError, with address: String, timeoutMilliseconds: Int) {
        if error.code == ErrnoCode.timedOut {
            let timeout = TimeSpan(milliseconds: timeoutMilliseconds).description
            self.init(
                message: "\(address) did not answer within \(timeout); it may be overloaded, or wait longer with "
                    + "--timeout")
        } else {
            self.init(message: "the connection to \(address) broke: \(error.call) \(error.name)")
        }
    }

    private static func remedy(_ error: SystemError) -> String {
        switch error.name {
        case "ECONNREFUSED":
            "start the gateway there (svc-gateway, or make run), or name its address with --server"
        case "ETIMEDOUT":
            "check the address and what filters it, or wait longer with --timeout"
        default:
            "check the address after --server"
        }
    }
}

/// Exit statuses of the commands that speak to a gateway, and how a failure becomes one.
enum ClientExit {
    /// A key is not there, or the gateway refused.
    static let refused = ExitCode(1)
    /// No connection, or no proper answer.
    static let unreachable = ExitCode(2)

    static let help = Self.help(refused: "the gateway refused")
    static let resolveHelp = Self.help(refused: "a key is not there, or the gateway refused")

    private static func help(refused: String) -> String {
        "Exit status: 0 done; 1 \(refused); 2 no connection, no answer in time, or an answer that is no OAP/1; 64 wrong "
            + "usage; 74 output failed."
    }

    /// Does the work; a failure becomes its message on standard error and an exit status.
    static func run<Value: ~Copyable>(_ work: () throws(ClientFailure) -> Value) throws -> Value {
        do throws(ClientFailure) {
            return try work()
        } catch {
            if let message = error.message { console.printError(message) }
            throw error.status
        }
    }
}
