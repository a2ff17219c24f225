import Foundation
import GatewayTesting
import Reactor

/// A running svc-gateway on ports that the kernel chose.
final class GatewayProcess {
    let directory: TemporaryDirectory
    let process: RunningProcess

    /// Runs `body` beside a gateway, then ends it with SIGTERM: it must exit with 0 and must not have logged a failure.
    ///
    /// - Parameters:
    ///   - config: the text of its file; it has none without.
    ///   - indexed: whether the sample is imported before the start.
    static func run(
        io: String = "auto", _ arguments: [String] = [], config: String? = nil, environment: [String: String] = [:],
        indexed: Bool = true, _ body: (GatewayProcess) async throws -> Void
    ) async throws {
        let gateway = try await Self.start(
            io: io, arguments, config: config, environment: environment, indexed: indexed)
        try await body(gateway)
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
    }

    /// As above without the end, which the test sees to. A gateway that nobody holds any more is killed.
    static func start(
        io: String = "auto", _ arguments: [String] = [], config: String? = nil, environment: [String: String] = [:],
        indexed: Bool = true
    ) async throws -> GatewayProcess {
        let directory = try TemporaryDirectory()
        if indexed { try await directory.importSample() }
        var all = ["--oap-addr", "0", "--metrics-addr", "0", "--index-path", directory.index, "--io", io]
        if let config { all += ["--config", try directory.write(config, to: "gateway.toml")] }
        let gateway = try GatewayProcess(all + arguments, in: directory, environment: environment)
        try await gateway.line(indexed ? "ready=1" : "ready=0")
        return gateway
    }

    /// - Parameter descriptorsMax: the hard limit it lives under; this process' own without.
    init(
        _ arguments: [String], in directory: TemporaryDirectory, environment: [String: String] = [:],
        descriptorsMax: Int? = nil
    ) throws {
        self.directory = directory
        let executable = try Executable.gateway.url
        if let descriptorsMax {
            let script = "ulimit -n \(descriptorsMax) && exec \"$@\""
            self.process = try RunningProcess(
                URL(fileURLWithPath: "/bin/sh"), ["-c", script, "sh", executable.path] + arguments, in: directory,
                environment: environment)
        } else {
            self.process = try RunningProcess(executable, arguments, in: directory, environment: environment)
        }
    }

    // MARK: The log

    /// Whole lines of its stderr so far.
    var lines: [String] {
        let text = self.process.errors
        return text.split(separator: "\n").map(String.init).dropLast(text.hasSuffix("\n") ? 0 : 1)
    }

    func lines(with text: String) -> [String] { self.lines.filter { $0.contains(text) } }

    /// Waits for a line with `text` and returns the first.
    @discardableResult
    func line(_ text: String) async throws -> String {
        try await eventually("a line with \(text)") {
            if !self.process.isRunning, self.lines(with: text).isEmpty {
                throw Failure("the gateway has ended without a line with \(text): \(self.process.errors)")
            }
            return !self.lines(with: text).isEmpty
        }
        return self.lines(with: text)[0]
    }

    /// The value of `key=value` in a line, without quotes.
    static func value(_ key: String, in line: String) -> String? {
        guard let start = line.range(of: " \(key)=") else { return nil }
        let rest = line[start.upperBound...]
        if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
        return String(rest.prefix { $0 != " " })
    }

    // MARK: Its control socket

    /// As the banner has it; `off` when there is none.
    var controlSocket: String {
        get throws {
            guard let line = self.lines(with: " control=").first, let path = Self.value("control", in: line) else {
                throw Failure("the gateway has not said where its control socket is: \(self.process.errors)")
            }
            return path
        }
    }

    /// `ronctl status`, `limits` or `reload` of this gateway.
    func control(_ arguments: String...) async throws -> Outcome {
        try await Executable.ronctl.run(arguments, in: self.directory)
    }

    /// Replaces the configuration that it was started with.
    func rewrite(_ config: String) throws { try self.directory.write(config, to: "gateway.toml") }

    // MARK: Its ports

    /// As the banner has it.
    var address: String {
        get throws {
            guard let line = self.lines(with: " oap_addr=").first, let address = Self.value("oap_addr", in: line) else {
                throw Failure("the gateway has not said where it listens: \(self.process.errors)")
            }
            return address
        }
    }

    var adminAddress: String {
        get throws {
            guard let line = self.lines(with: " metrics=http://").first,
                let link = Self.value("metrics", in: line).flatMap({ URL(string: $0) }), let host = link.host,
                let port = link.port
            else { throw Failure("the gateway has not said where its admin port is: \(self.process.errors)") }
            return "\(host):\(port)"
        }
    }

    func connect() throws -> RawClient { try RawClient(Self.socketAddress(self.address)) }

    /// A connection with more answers than the kernel takes, and nobody who reads them: it cannot end in order.
    func stuckClient() async throws -> RawClient {
        let keys = [String](repeating: "\"name:limits/exactly-4000-bytes\"", count: 256).joined(separator: ",")
        let client = try self.connect()
        client.shrinkKernelBuffers()
        let before = try self.metrics()
        // A mebibyte of answer each.
        for number in 1...16 { try client.send(.resolveMany(json: "[\(keys)]", correlation: UInt64(number))) }
        try await eventually("the answers to pile up") {
            let now = try self.metrics()
            return now.growth("buffer_memory_bytes", since: before) ?? 0 > 1_000_000
                && now.growth("requests_total", ["status": "200"], since: before) ?? 0 > 2
        }
        return client
    }

    func get(_ path: String) throws -> AdminAnswer { try AdminAnswer(path, at: Self.socketAddress(self.adminAddress)) }

    func metrics() throws -> Metrics { Metrics(try self.get("/metrics").body) }

    /// `ronctl` with this gateway as its server.
    func ronctl(_ arguments: String...) async throws -> Outcome {
        try await Executable.ronctl.run(arguments + ["--server", self.address], in: self.directory)
    }

    /// `ronctl index` on this gateway's index, in a process of its own.
    func index(_ arguments: String..., input: String = "") async throws -> Outcome {
        try await Executable.ronctl.run(
            ["index"] + arguments + ["--index-path", self.directory.index], in: self.directory, input: input)
    }

    static func socketAddress(_ text: String) throws -> SocketAddress {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw Failure("no address: \(text)")
        }
        return SocketAddress(host: String(text[..<colon]), port: port)
    }

    /// Somebody may take it before its user does; what then fails, fails aloud.
    static func freePort() throws -> UInt16 {
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), shared: false, backlog: 1)
        let port = listener.address.port
        listener.close()
        return port
    }

    // MARK: Its end

    func signal(_ number: Int32) { self.process.signal(number) }

    /// Waits for its end and checks the status, and that it has not logged a failure of its own.
    func expectExit(_ expected: Int32) async throws {
        let status = try await self.process.exitStatus()
        guard status == expected else {
            throw Failure("the gateway has ended with \(status) instead of \(expected): \(self.process.errors)")
        }
        let failures = self.lines.filter { $0.contains(" CRITICAL ") || $0.contains("internal fault") }
        guard failures.isEmpty || expected != 0 else { throw Failure("the gateway has failed: \(failures)") }
    }
}

/// A client in an array.
final class HeldClient {
    var client: RawClient
    init(_ client: consuming RawClient) { self.client = client }
}
