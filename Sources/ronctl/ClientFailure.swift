import ArgumentParser
import Reactor

/// Nothing could be had from the gateway at all: no connection, no answer in time, or bytes that are no OAP/1.
struct ClientFailure: Error {
    let message: String

    init(message: String) { self.message = message }

    init(connecting error: SystemError) {
        self.message = "cannot connect to \(error.subject): \(error.name); \(Self.remedy(error))"
    }

    /// The connection broke while an answer was awaited.
    init(_ error: SystemError, with address: String, timeoutMilliseconds: Int) {
        if error.code == ErrnoCode.timedOut {
            let timeout = TimeSpan(milliseconds: timeoutMilliseconds).description
            self.message =
                "\(address) did not answer within \(timeout); it may be overloaded, or wait longer with --timeout"
        } else {
            self.message = "the connection to \(address) broke: \(error.call) \(error.name)"
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

    static let help =
        "Exit status: 0 done; 1 a key is not there, or the gateway refused; 2 no connection, no answer in time, or an "
        + "answer that is no OAP/1; 64 wrong usage."

    /// Does the work; a failure becomes its message on standard error and an exit status.
    static func run<Value: ~Copyable>(_ work: () throws(ClientFailure) -> Value) throws -> Value {
        do throws(ClientFailure) {
            return try work()
        } catch {
            IndexConsole.printError(error.message)
            throw Self.unreachable
        }
    }
}
