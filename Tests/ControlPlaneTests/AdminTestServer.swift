import ControlPlane
import Dispatch
import FlyingSocks
import Foundation
import Logging
import Testing

/// A source whose answers are fixed, but for `/resolve`, which depends on the key.
struct FixedSource: AdminSource {
    var readinessReport = ReadinessReport()
    var metrics = "# HELP up Up.\n# TYPE up gauge\nup 1\n"

    func metricsText() -> String { self.metrics }
    func readiness() -> ReadinessReport { self.readinessReport }
    func version() -> VersionReport {
        VersionReport(
            name: "svc-gateway", version: "1.2.3", commit: "abc", swift: "6.2", ioBackend: "epoll", protocol: "OAP/1",
            started: "2026-11-24T21:30:15.123Z")
    }

    func resolve(key: String) async -> AdminResolution {
        switch key {
        case "quota":
            .refused(
                status: 429, code: "quota_exhausted", message: "Spent.", retryable: true, retryAfterMilliseconds: 1001)
        case "busy":
            .refused(
                status: 503, code: "overloaded", message: "Busy.", retryable: true, retryAfterMilliseconds: 20)
        case "drain":
            .refused(
                status: 503, code: "draining", message: "Draining.", retryable: true, retryAfterMilliseconds: nil)
        case "broken":
            .refused(
                status: 500, code: "index_unavailable", message: "No index.", retryable: true,
                retryAfterMilliseconds: nil)
        case "name:missing":
            .refused(
                status: 404, code: "not_found", message: "No \"such\" key.", retryable: false,
                retryAfterMilliseconds: nil)
        default: .record(Array((try? JSONEncoder().encode(["key": key])) ?? Data()))
        }
    }
}

/// Runs a server on a free port around `body`, and waits until it has ended.
func withAdminServer(
    _ source: some AdminSource = FixedSource(), host: String = "127.0.0.1", limits: AdminLimits = AdminLimits(),
    _ body: (AdminServer) async throws -> Void
) async throws {
    let server = AdminServer(
        host: host, port: 0, source: source, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        limits: limits)
    try server.bind()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        do {
            try await body(server)
        } catch {
            server.stop()
            throw error
        }
        server.stop()
        try await group.waitForAll()
    }
}

/// Runs what blocks on a thread of its own: the tasks of the server need those of the pool.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}

/// The real curl.
enum Curl {
    static let path: String? = ["/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl", "/opt/homebrew/bin/curl"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    struct Answer {
        let status: Int
        /// Names in lower case.
        let headers: [String: String]
        let body: String
    }

    static func get(_ url: String, _ arguments: String...) async throws -> Answer {
        let output = try await self.run(["-sS", "-i", "--max-time", "10"] + arguments + [url])
        let parts = output.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces)
        }
        let status = try #require(Int(lines[0].split(separator: " ")[1]), "curl said \(output)")
        return Answer(status: status, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }

    static func run(_ arguments: [String]) async throws -> String {
        let path = try #require(self.path)
        return try await blocking {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            try process.run()
            let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// A client that sends exactly the bytes that it is told to.
struct RawClient: Sendable {
    let socket: Socket

    init(port: UInt16) throws {
        self.socket = try Socket(domain: Int32(AF_INET), type: .stream)
        try self.socket.connect(to: .inet(ip4: "127.0.0.1", port: port))
    }

    func send(_ text: String) throws {
        let data = Data(text.utf8)
        var sent = data.startIndex
        while sent < data.endIndex { sent = try self.socket.write(data, from: sent) }
    }

    /// Everything until the server ends the connection.
    func receiveAll() async throws -> String {
        let socket = self.socket
        return try await blocking {
            var bytes: [UInt8] = []
            while let more = try? socket.read(atMost: 4096) { bytes += more }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// At least as much as ends in `suffix`.
    func receive(until suffix: String) async throws -> String {
        let socket = self.socket
        return try await blocking {
            var bytes: [UInt8] = []
            while !String(decoding: bytes, as: UTF8.self).hasSuffix(suffix) { bytes += try socket.read(atMost: 4096) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Returns how many bytes there were.
    func receiveSome(atMost bytes: Int) async throws -> Int {
        let socket = self.socket
        return try await blocking { try socket.read(atMost: bytes).count }
    }

    func close() { try? self.socket.close() }
}
