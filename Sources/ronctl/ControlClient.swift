import ArgumentParser
import ControlProtocol
import FlyingSocks
import Foundation
import Settings
import Terminal

/// Why a gateway could not be asked.
struct ControlClientFailure: Error {
    /// Nil when it has been said already.
    let message: String?
    let status: ExitCode

    init(message: String, status: ExitCode = ControlExit.unreachable) {
        self.message = message
        self.status = status
    }

    init(output status: ExitCode) {
        self.message = nil
        self.status = status
    }
}

/// One question over a gateway's control socket, in HTTP/1.1.
struct ControlClient {
    struct Answer {
        let status: Int
        let body: Data
    }

    let path: String
    private let socket: Socket
    private let timeoutMilliseconds: Int

    /// No report is near that long.
    private static let answerBytesMax = 16 << 20

    /// Connects to the first of the paths at which somebody listens.
    init(_ paths: [String], timeoutMilliseconds: Int) throws(ControlClientFailure) {
        // A gateway that goes away while it is asked costs the answer and not the process.
        signal(SIGPIPE, SIG_IGN)
        self.timeoutMilliseconds = timeoutMilliseconds
        var failures: [(path: String, code: Int32)] = []
        for path in paths {
            switch Self.connect(path, timeoutMilliseconds) {
            case .success(let socket):
                self.path = path
                self.socket = socket
                return
            case .failure(let code): failures.append((path, code.rawValue))
            }
        }
        throw Self.unreachable(failures)
    }

    private struct Code: Error { let rawValue: Int32 }

    private static func connect(_ path: String, _ timeoutMilliseconds: Int) -> Result<Socket, Code> {
        guard path.utf8.count <= ControlSocketPath.bytesMax else { return .failure(Code(rawValue: ENAMETOOLONG)) }
        do {
            let socket = try Socket(domain: AF_UNIX, type: .stream)
            do {
                for direction in [SO_RCVTIMEO, SO_SNDTIMEO] {
                    try socket.setValue(timeoutMilliseconds, for: TimeoutOption(name: direction))
                }
                try socket.connect(to: .unix(path: path))
                return .success(socket)
            } catch {
                try? socket.close()
                throw error
            }
        } catch SocketError.failed(_, let code, _) {
            return .failure(Code(rawValue: code))
        } catch {
            return .failure(Code(rawValue: EAGAIN))
        }
    }

    /// Sends the question and reads the answer to its end; once.
    func request(_ path: ControlPath) throws(ControlClientFailure) -> Answer {
        defer { try? self.socket.close() }
        let head = "\(path.method) \(path.rawValue) HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n"
        do {
            let data = Data(head.utf8)
            var sent = data.startIndex
            while sent < data.endIndex { sent = try self.socket.write(data, from: sent) }
        } catch {
            throw self.broken(error)
        }
        return try self.receive()
    }

    private func receive() throws(ControlClientFailure) -> Answer {
        var bytes: [UInt8] = []
        var hasEnded = false
        while !hasEnded, bytes.count < Self.answerBytesMax {
            do { bytes += try self.socket.read(atMost: 65_536) } catch SocketError.disconnected {
                hasEnded = true
            } catch {
                throw self.broken(error)
            }
        }
        let data = Data(bytes)
        guard let end = data.range(of: Data("\r\n\r\n".utf8)),
            let status = String(decoding: data[..<end.lowerBound], as: UTF8.self).split(separator: " ")
                .dropFirst().first.flatMap({ Int($0) })
        else { throw ControlClientFailure(message: "what listens at \(self.shownPath) is no gateway's control socket") }
        return Answer(status: status, body: Data(data[end.upperBound...]))
    }

    /// The answer is an error, or nothing that this tool knows.
    func notAReport(_ answer: Answer) -> ControlClientFailure {
        guard let failure = try? ControlJSON.decode(ControlFailure.self, from: answer.body) else {
            return ControlClientFailure(
                message:
                    "the answer of \(self.shownPath) cannot be read; is the gateway of another version than ronctl?")
        }
        return ControlClientFailure(
            message: "the gateway at \(self.shownPath) refused: \(TerminalText.printable(failure.message))",
            status: ControlExit.refused)
    }

    // MARK: Failures

    private var shownPath: String { TerminalText.printable(self.path) }

    private func broken(_ error: any Error) -> ControlClientFailure {
        guard case SocketError.blocked = error else {
            return ControlClientFailure(message: "the connection to \(self.shownPath) broke: \(Self.reason(error))")
        }
        let timeout = TimeSpan(milliseconds: self.timeoutMilliseconds).description
        return ControlClientFailure(
            message:
                "\(self.shownPath) did not answer within \(timeout); wait longer with --timeout, or look at the log")
    }

    private static func reason(_ error: any Error) -> String {
        guard case SocketError.failed(_, _, let message) = error else { return error.localizedDescription }
        return message
    }

    /// The failure that says most: that one may not enter, then that nobody answers, then that there is nothing.
    private static func unreachable(_ failures: [(path: String, code: Int32)]) -> ControlClientFailure {
        func shown(_ path: String) -> String { TerminalText.printable(path) }
        if let denied = failures.first(where: { $0.code == EACCES || $0.code == EPERM }) {
            return ControlClientFailure(
                message:
                    "this user may not open the control socket \(shown(denied.path)): only its owner and its group "
                    + "may; become that user (sudo), or join the group of its directory",
                status: ControlExit.denied)
        }
        if let dead = failures.first(where: { $0.code == ECONNREFUSED }) {
            return ControlClientFailure(
                message: "nobody listens at \(shown(dead.path)): the gateway that made it has ended; start it "
                    + "(svc-gateway, or make run)")
        }
        if let other = failures.first(where: { $0.code != ENOENT && $0.code != ENOTDIR }) {
            return ControlClientFailure(
                message: "cannot connect to \(shown(other.path)): \(POSIXError.text(other.code))")
        }
        let places = failures.map { shown($0.path) }.joined(separator: " or ")
        return ControlClientFailure(message: "there is no control socket at \(places); \(Self.advice(failures))")
    }

    /// Names the instances that there are, where there are some.
    private static func advice(_ failures: [(path: String, code: Int32)]) -> String {
        let names = failures.flatMap { failure -> [String] in
            let directory = URL(fileURLWithPath: failure.path).deletingLastPathComponent().path
            let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            return files.filter { $0.hasSuffix(".sock") }.map { String($0.dropLast(5)) }
        }
        guard names.isEmpty else {
            let listed = Set(names).sorted().prefix(8).map(TerminalText.printable).joined(separator: ", ")
            return "name one that is there with --instance: \(listed)"
        }
        return "start the gateway (svc-gateway, or make run), or name its socket with --control-socket: its log says "
            + "control=PATH at the start"
    }
}

extension POSIXError {
    fileprivate static func text(_ code: Int32) -> String {
        POSIXErrorCode(rawValue: code).map { POSIXError($0).localizedDescription } ?? "errno \(code)"
    }
}

/// SO_RCVTIMEO and SO_SNDTIMEO, in milliseconds.
private struct TimeoutOption: SocketOption {
    let name: Int32

    func makeValue(from socketValue: timeval) -> Int {
        Int(socketValue.tv_sec) * 1000 + Int(socketValue.tv_usec) / 1000
    }

    func makeSocketValue(from value: Int) -> timeval {
        timeval(tv_sec: value / 1000, tv_usec: value % 1000 * 1000)
    }
}
