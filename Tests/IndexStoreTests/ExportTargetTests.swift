import Foundation
import IndexStore
import OAP
import Testing

/// Goal: an export takes the place of an ordinary file only, and leaves what kind of thing it was, its links and its mode.
@Suite struct ExportTargetTests {
    private func withIndex(_ body: (TemporaryDirectory, IndexEnvironment) throws -> Void) throws {
        let directory = TemporaryDirectory()
        var writer = try IndexWriter(at: directory.index)
        _ = try writer.put(IndexRecord(key: "name:a", manifest: nil, providers: []))
        try writer.commit()
        try body(directory, IndexEnvironment(readOnlyAt: directory.index))
    }

    private func export(_ environment: IndexEnvironment, _ path: String) throws -> Int {
        try IndexExporter().run(environment, toFile: path)
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func aFileKeepsItsModeAndNothingElseIsLeft() throws {
        try self.withIndex { (directory, environment) throws in
            let path = directory.file("out.jsonl", "old")
            #expect(unsafe chmod(path, 0o600) == 0)
            #expect(try self.export(environment, path) == 1)
            #expect(directory.text("out.jsonl")?.hasPrefix(#"{"key":"name:a""#) == true)
            #expect(try self.mode(path) == 0o600)
            #expect(directory.names == ["data", "out.jsonl"])
        }
    }

    @Test func aLinkStaysAndItsTargetIsReplaced() throws {
        try self.withIndex { (directory, environment) throws in
            _ = directory.file("target.jsonl", "old")
            let link = directory.path + "/link.jsonl"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target.jsonl")
            #expect(try self.export(environment, link) == 1)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target.jsonl")
            #expect(directory.text("target.jsonl")?.hasPrefix(#"{"key":"name:a""#) == true)
        }
    }

    /// A named pipe stands for every device: it is written to, and is still a pipe afterwards.
    @Test func aPipeIsWrittenToAndStays() throws {
        try self.withIndex { (directory, environment) throws in
            let path = directory.path + "/pipe"
            try #require(unsafe mkfifo(path, 0o600) == 0)
            // Open for both, so that neither side waits for the other.
            let pipe = unsafe open(path, O_RDWR)
            defer { close(pipe) }
            #expect(try self.export(environment, path) == 1)
            var status = stat()
            #expect(unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = unsafe read(pipe, &bytes, bytes.count)
            #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).hasPrefix(#"{"key":"name:a""#))
        }
    }
}
