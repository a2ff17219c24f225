import ArgumentParser
import Foundation
import Testing

@testable import Settings

/// An empty directory that is a working directory, gone when the value is. `/etc` of the machine is never read.
final class Workspace {
    let path: String

    init() throws {
        self.path = NSTemporaryDirectory() + "settings-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: self.path)
    }

    var systemFile: String { self.path + "/etc/svc-gateway.toml" }
    var localFile: String { self.path + "/configs/svc-gateway.toml" }

    @discardableResult
    func write(_ text: String, to name: String = "gateway.toml") throws -> String {
        try self.write(bytes: Array(text.utf8), to: name)
    }

    @discardableResult
    func write(bytes: [UInt8], to name: String = "gateway.toml") throws -> String {
        let file = URL(fileURLWithPath: name.hasPrefix("/") ? name : "\(self.path)/\(name)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path
    }

    func load(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> LoadedSettings {
        try SettingsLoader.load(
            flags: try SettingsFlags.parse(arguments), environment: environment, currentDirectory: self.path,
            systemFile: self.systemFile)
    }

    /// Loads what must fail, and returns the lines of the errors without the directory.
    func errors(
        _ arguments: [String] = [], environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String] {
        let flags = try SettingsFlags.parse(arguments)
        do {
            _ = try SettingsLoader.load(
                flags: flags, environment: environment, currentDirectory: self.path, systemFile: self.systemFile)
        } catch {
            return self.lines(error.description)
        }
        Issue.record("nothing was refused", sourceLocation: sourceLocation)
        return []
    }

    /// The errors of a file with that text.
    func errors(file text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        try self.write(text)
        return try self.errors(["--config", "gateway.toml"], sourceLocation: sourceLocation)
    }

    func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { String($0.replacing(self.path + "/", with: "")) }
    }
}
