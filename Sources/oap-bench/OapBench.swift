import ArgumentParser
import Foundation
import LoadGeneration
import LoadReport
import Reactor

/// `oap-bench`: load on a gateway, and the truth about how it was answered.
@main
struct OapBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "oap-bench",
        abstract: "Load an OAP/1 gateway and report rates, latencies and every status.",
        discussion: """
            Requests leave at a --rate, and latency is measured from the moment that each was due. With --closed they \
            leave when an answer has arrived, so the load never exceeds what the gateway answers. Every answer is checked: its header, and that \
            the payload is that of the key that was asked for.

            Exit status: 0 every answer was valid and its status expected; 1 one was not, or a connection was lost; \
            2 wrong usage, or no connection; 74 the report could not be written. Ctrl-C ends the load and prints the \
            report.
            """,
        // ControlPlane/ServiceVersion.number says the same.
        version: "0.1.0")

    static let serverDefault = "127.0.0.1:9444"
    static let serverVariable = "SVC_GATEWAY_ADDR"
    static let durationDefault = TimeSpan(milliseconds: 10_000)
    static let timeoutDefault = TimeSpan(milliseconds: 5000)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @Option(
        help: ArgumentHelp(
            """
            The gateway: HOST:PORT, or PORT on loopback. (default: $\(Self.serverVariable), else \
            \(Self.serverDefault))
            """,
            valueName: "host:port"))
    var server: String?
    @Flag(help: "Closed loop: a request leaves when an answer has come.")
    var closed = false
    @Option(help: "Open loop: requests a second, whatever the gateway answers.")
    var rate = 500.0
    @Option(help: "What to ask for.")
    var workload = Workload.resolve
    @Option(help: "Connections, of all threads together.")
    var connections = 50
    @Option(help: "Requests in flight on each connection.")
    var depth = 1
    @Option(
        help: "How long new requests are sent: 500ms, 10s, 2m. (default: \(Self.durationDefault))",
        transform: LoadArgument.timeSpan)
    var duration = Self.durationDefault
    @Option(
        help: ArgumentHelp(
            "Keys to draw from: one a line, or JSON records with a member \"key\". (default: \(KeyFile.samplePath))",
            valueName: "file"))
    var keys: String?
    @Option(help: ArgumentHelp("Draw from so many numbered keys instead.", valueName: "n"))
    var keyCount: Int?
    @Option(
        help: ArgumentHelp(
            """
            Form of numbered keys, as name:key%06d: one %d, or %0Nd for a number of N digits, stands for the number. \
            Numbers start at 0.
            """,
            valueName: "format"),
        transform: LoadArgument.keyPattern)
    var keyFormat: KeyPattern?
    @Option(help: "Seed of the draw: the same seed asks for the same keys.")
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Statuses that count as success, such as 200,404.", valueName: "statuses"))
    var expect = ExpectedStatuses.successOnly
    @Option(help: "Kernel interface.")
    var io = LoopBackend.Wish.automatic
    @Option(help: "Threads; each has its own connections.")
    var threads = 1
    @Option(
        help: ArgumentHelp(
            """
            How long a connect may take, and how long the last answers are waited for: 500ms, 5s. (default: \
            \(Self.timeoutDefault))
            """),
        transform: LoadArgument.timeSpan)
    var timeout = Self.timeoutDefault
    @Option(help: "Form of the report.")
    var format = Format.text

    static func main() {
        do {
            var command = try Self.parseAsRoot()
            try command.run()
        } catch {
            switch Self.exitCode(for: error) {
            case .success:
                Self.exit(withError: Self.printed(Self.fullMessage(for: error)))
            case .validationFailure:
                Console.printError(Self.message(for: error) + "\nSee 'oap-bench --help'.")
                Self.exit(withError: Console.unusable)
            default:
                Self.exit(withError: error)
            }
        }
    }

    /// Help or version, when there is some; returns what to exit with.
    private static func printed(_ message: String) -> ExitCode {
        do throws(ExitCode) {
            if !message.isEmpty { try Console.printLine(message) }
            return .success
        } catch {
            return error
        }
    }

    /// Not `validate()`, which the parser calls before it looks for flags that it does not know.
    private func checkUsage() throws {
        try Self.check(self.connections, in: 1...LoadPlan.connectionsMax, "--connections")
        try Self.check(self.depth, in: 1...LoadPlan.depthMax, "--depth")
        try Self.check(self.threads, in: 1...min(LoadPlan.threadsMax, self.connections), "--threads")
        if let count = self.keyCount { try Self.check(count, in: 1...100_000_000, "--key-count") }
        guard (self.keyCount == nil) == (self.keyFormat == nil) else {
            throw ValidationError("--key-count and --key-format go together.")
        }
        guard self.keys == nil || self.keyCount == nil else {
            throw ValidationError("Pass either --keys or --key-count, not both.")
        }
        guard self.workload.needsKeys || (self.keys == nil && self.keyCount == nil) else {
            throw ValidationError("Only the workloads resolve and resolve-many take keys.")
        }
    }

    private static func check(_ value: Int, in range: ClosedRange<Int>, _ name: String) throws {
        guard !range.contains(value) else { return }
        throw ValidationError("\(name) is \(value); it is \(range.lowerBound) to \(range.upperBound).")
    }

    func run() throws {
        try self.checkUsage()
        let plan = try self.plan()
        let control = try Console.orExit { () throws(SystemError) in try LoadControl() }
        let interruption = Interruption(control)
        var line = ProgressLine(duration: .milliseconds(self.duration.milliseconds))
        let report = try withExtendedLifetime(interruption) {
            try Console.orExit { () throws(LoadFailure) in
                defer { line.clear() }
                return try LoadRun.run(plan, control) { line.update($0) }
            }
        }
        switch self.format {
        case .text: try Console.printLine(report.text)
        case .json: try Console.printLine(report.json)
        }
        if let silence = report.silence { Console.printError(silence) }
        if report.verdict != .passed { throw ExitCode(1) }
    }

    private func plan() throws -> LoadPlan {
        let server = try self.address()
        let (backend, fallback) = try Console.orExit("--io \(self.io.rawValue)") { () throws(SystemError) in
            try LoopBackend.probe(self.io)
        }
        if let fallback { Console.printNote("epoll carries the load, since io_uring is not available: \(fallback)") }
        var plan = LoadPlan(server: server)
        plan.mode = self.closed ? .closed : .open(ArrivalPlan(rate: self.rate))
        plan.workload = self.workload
        plan.keys = try self.loadKeys()
        plan.connectionsCount = self.connections
        plan.depth = self.depth
        plan.threadsCount = self.threads
        plan.durationNanoseconds = self.duration.nanoseconds
        plan.timeoutNanoseconds = self.timeout.nanoseconds
        plan.seed = self.seed
        plan.backend = backend
        plan.expected = self.expect
        plan.toolVersion = Self.configuration.version
        return plan
    }

    private func address() throws -> SocketAddress {
        let named = ProcessInfo.processInfo.environment[Self.serverVariable].flatMap { $0.isEmpty ? nil : $0 }
        let text = self.server ?? named ?? Self.serverDefault
        let source = self.server == nil && named != nil ? Self.serverVariable : "--server"
        return try Console.orExit("\(source) \"\(text)\"") { () throws(ServerAddress.Fault) in
            try ServerAddress.parse(text)
        }
    }

    private func loadKeys() throws -> KeySet {
        guard self.workload.needsKeys else { return KeySet() }
        if let keyCount, let keyFormat {
            return try Console.orExit("--key-format") { () throws(KeySet.Fault) in
                try keyFormat.keys(count: keyCount)
            }
        }
        if self.keys == nil, !FileManager.default.fileExists(atPath: KeyFile.samplePath) {
            Console.printError(
                "there are no keys: pass --keys FILE, or --key-count with --key-format (\(KeyFile.samplePath), the "
                    + "default, is not here)")
            throw Console.unusable
        }
        return try Console.orExit { () throws(KeyFile.Failure) in
            try KeyFile.read(self.keys ?? KeyFile.samplePath)
        }
    }
}
