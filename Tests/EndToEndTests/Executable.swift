import Foundation

/// What the build has made, run as its users run it: by path, in a directory of its own, with an environment of its own.
enum Executable: String {
    case gateway = "svc-gateway"
    case ronctl
    case bench = "oap-bench"

    /// Beside the running test executable, where the build puts both.
    var url: URL {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let url = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent(self.rawValue)
            guard FileManager.default.isExecutableFile(atPath: url.path) else {
                throw Failure("\(self.rawValue) was not built beside the tests at \(url.path)")
            }
            return url
        }
    }

    /// Runs it to its end, which has to come within half a minute.
    func run(
        _ arguments: [String], in directory: TemporaryDirectory, environment: [String: String] = [:],
        input: String = ""
    ) async throws -> Outcome {
        let process = try RunningProcess(self.url, arguments, in: directory, environment: environment, input: input)
        let status = try await process.exitStatus()
        return Outcome(status: status, output: process.output, errors: process.errors)
    }
}

/// How a command ended.
struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    /// The output as one JSON object.
    var json: [String: Any] {
        get throws { try jsonObject(self.output) }
    }
}

/// Programs that are not ours and may be missing.
enum Tool {
    static let curl = Self.find("curl")
    static let promtool = Self.find("promtool")
    static let compiler = Self.find("cc") ?? Self.find("clang")
    static let groff = Self.find("groff")

    private static func find(_ name: String) -> URL? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { URL(fileURLWithPath: "\($0)/\(name)") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }
}

/// A test cannot go on.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func jsonObject(_ text: String) throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
        throw Failure("no JSON object: \(text)")
    }
    return object
}

/// Polls until the condition holds. Gives up after twenty seconds: that is a failure and never a measure.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw Failure("waited twenty seconds in vain for \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// A directory of its own for one test, gone when the test lets go.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        self.path = NSTemporaryDirectory() + "gateway-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    /// Where the index goes; does not exist yet.
    var index: String { self.path + "/index" }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = URL(fileURLWithPath: "\(self.path)/\(name)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// An index with the sample records.
    func importSample() async throws {
        let imported = try await Executable.ronctl.run(
            ["index", "import", Sample.path, "--index-path", self.index], in: self)
        guard imported.status == 0 else { throw Failure("the sample was not imported: \(imported.errors)") }
    }
}

/// The records that come with the project.
enum Sample {
    static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("configs/sample-index.jsonl").path

    static let recordsCount: Int = (FileManager.default.contents(atPath: Self.path) ?? Data()).count { $0 == 0x0A }

    static let helloProviders = ["edge-fra-01", "edge-iad-07"]
}
