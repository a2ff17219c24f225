import Foundation
import IndexStore
import OAP

/// A directory of its own for one test, gone when the test lets go.
final class TemporaryDirectory {
    let path: String

    init() {
        self.path = FileManager.default.temporaryDirectory.appendingPathComponent("index-\(UUID().uuidString)").path
        try! FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: self.path)
    }

    /// Where the index goes; does not exist yet.
    var index: String { self.path + "/data/index" }

    /// Writes a file and returns its path.
    func file(_ name: String, _ text: String) -> String {
        let path = "\(self.path)/\(name)"
        precondition(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        return path
    }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(self.path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: self.path).sorted()) ?? [] }
}

/// The tool, run as its users run it: the second process of these tests.
enum Ronctl {
    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Beside the running test executable, where the build puts both.
    static func executable() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("ronctl")
    }

    static func run(_ arguments: String..., input: String = "") throws -> Result {
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr
        try process.run()
        // Inputs and outputs of these tests fit a pipe's 64 KiB, so the order does not matter.
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        let errors = try stderr.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }
}

/// A record with one provider of the given score.
func makeRecord(_ key: String, score: Double = 0.5) throws -> IndexRecord {
    try IndexRecord(key: key, manifest: nil, providers: [.init(id: "node", region: "eu", score: score)])
}

func jsonLine(_ record: IndexRecord) -> String { String(decoding: record.canonicalJSON, as: UTF8.self) + "\n" }

/// Commits records to an index, alone.
func write(_ records: [IndexRecord], to path: String) throws {
    var writer = try IndexWriter(at: path)
    for record in records { try writer.put(record) }
    try writer.commit()
}

/// A worker's side of a test.
struct TestReader: ~Copyable {
    var reader: IndexReader

    init(_ environment: IndexEnvironment) throws {
        self.reader = try environment.makeReader()
    }

    /// The stored JSON, or nil when the key is absent.
    mutating func json(_ key: String) throws -> String? {
        var found: [UInt8]?
        let result = self.reader.lookup(Array(key.utf8).span) { bytes in
            var copy: [UInt8] = []
            for index in bytes.indices { copy.append(bytes[index]) }
            found = copy
        }
        switch result {
        case .found: return String(decoding: found!, as: UTF8.self)
        case .absent:
            precondition(found == nil, "the closure is called exactly when there is a record")
            return nil
        case .failed(let error): throw error
        }
    }

    mutating func endTurn() {
        self.reader.endTurn()
    }
}

/// All lines of an index, in its order.
func allLines(_ path: String) throws -> [String] {
    var reader = try IndexEnvironment(readOnlyAt: path).makeReader()
    var lines: [String] = []
    try reader.forEachRecord { (_, json) throws(IndexError) in
        var copy: [UInt8] = []
        for index in json.indices { copy.append(json[index]) }
        lines.append(String(decoding: copy, as: UTF8.self) + "\n")
        return true
    }
    return lines
}
