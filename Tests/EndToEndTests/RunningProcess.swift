import Foundation

/// A child of this test with its output in files, so that nobody has to read for it to go on. Ends with its owner.
final class RunningProcess {
    private let process = Process()
    private let outputPath: String
    private let errorsPath: String

    /// Settings of the machine that would reach a gateway.
    private static let variables = [
        "SVC_GATEWAY_ADDR", "RON_CONFIG", "RON_LOG", "RUST_LOG", "RON_INDEX_SOCK", "RO_HS_KEY_FILE",
        "RUNTIME_DIRECTORY", "NO_COLOR",
    ]

    init(
        _ executable: URL, _ arguments: [String], in directory: TemporaryDirectory,
        environment: [String: String] = [:], input: String = ""
    ) throws {
        let name = "\(directory.path)/\(executable.lastPathComponent)-\(UUID().uuidString)"
        self.outputPath = name + ".out"
        self.errorsPath = name + ".err"
        self.process.executableURL = executable
        self.process.arguments = arguments
        self.process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        // Control sockets of gateways that run side by side, in tests of other suites and on the machine, do not meet.
        let own = ["XDG_RUNTIME_DIR": directory.path].merging(environment) { $1 }
        self.process.environment = ProcessInfo.processInfo.environment
            .filter { !Self.variables.contains($0.key) }.merging(own) { $1 }
        try Data(input.utf8).write(to: URL(fileURLWithPath: name + ".in"))
        let files = [self.outputPath, self.errorsPath]
        for path in files { try Data().write(to: URL(fileURLWithPath: path)) }
        let handles = try files.map { try FileHandle(forWritingTo: URL(fileURLWithPath: $0)) }
        let inputHandle = try FileHandle(forReadingFrom: URL(fileURLWithPath: name + ".in"))
        (self.process.standardOutput, self.process.standardError) = (handles[0], handles[1])
        self.process.standardInput = inputHandle
        try self.process.run()
        for handle in handles + [inputHandle] { try handle.close() }
    }

    deinit {
        if self.process.isRunning { self.signal(SIGKILL) }
    }

    var output: String { Self.text(self.outputPath) }
    var errors: String { Self.text(self.errorsPath) }
    var isRunning: Bool { self.process.isRunning }
    var identifier: Int32 { self.process.processIdentifier }

    func signal(_ number: Int32) { kill(self.process.processIdentifier, number) }

    /// Waits for its end; what a signal has ended has the shell's status, 128 and the signal.
    func exitStatus() async throws -> Int32 {
        do {
            try await eventually("the end of \(self.process.arguments ?? [])") { !self.process.isRunning }
        } catch {
            self.signal(SIGKILL)
            throw Failure("\(error); it said: \(self.errors)")
        }
        switch self.process.terminationReason {
        case .exit: return self.process.terminationStatus
        case .uncaughtSignal: return 128 + self.process.terminationStatus
        @unknown default: return -1
        }
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
