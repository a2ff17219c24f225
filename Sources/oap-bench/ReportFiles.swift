import Foundation
import Terminal

/// Files that a report goes to: checked before anything is loaded, since a minute of load for nothing is a minute lost,
/// and written as a whole or not at all.
struct ReportFiles: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case json
        case csv
        case hdrLog = "hdr-log"
        case html

        var flag: String { "--" + self.rawValue }
    }

    /// In the order of `Kind.allCases`.
    private let paths: [(kind: Kind, path: String)]

    /// - Throws: what is wrong with the first path that nothing can be written to.
    init(_ paths: [(kind: Kind, path: String)]) throws(BenchFailure) {
        var seen: [String: Kind] = [:]
        for (kind, path) in paths {
            if let other = seen[path] {
                throw BenchFailure("\(kind.flag) and \(other.flag) name the same file, \(path); give each its own")
            }
            seen[path] = kind
            if let problem = Self.problem(path) { throw BenchFailure("\(kind.flag) \(path): \(problem)") }
        }
        self.paths = paths
    }

    var kinds: [Kind] { self.paths.map(\.kind) }

    /// Writes one of the files; nothing when nobody has asked for it.
    func write(_ kind: Kind, _ text: () throws -> String) throws(BenchFailure) {
        guard let path = self.paths.first(where: { $0.kind == kind })?.path else { return }
        do {
            let data = Data(try text().utf8)
            // A device or a pipe cannot be replaced; a file is, at once, so that nobody ever reads half a report.
            if Self.isReplaceable(path) {
                try data.write(to: URL(fileURLWithPath: path), options: .atomic)
            } else {
                try FileHandle(forWritingTo: URL(fileURLWithPath: path)).write(contentsOf: data)
            }
        } catch {
            throw BenchFailure("\(kind.flag) \(path): cannot be written: \(ToolConsole.reason(of: error))")
        }
    }

    private static func isReplaceable(_ path: String) -> Bool {
        let type = Self.type(path)
        return type == nil || type == .typeRegular
    }

    /// Of what is there, through links; nil when there is nothing.
    private static func type(_ path: String) -> FileAttributeType? {
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return (try? FileManager.default.attributesOfItem(atPath: resolved))?[.type] as? FileAttributeType
    }

    /// Why nothing can be written there; nil when something can.
    private static func problem(_ path: String) -> String? {
        guard !path.isEmpty else { return "it names no file" }
        if let type = Self.type(path) {
            guard type != .typeDirectory else { return "it is a directory; name a file in it" }
            return FileManager.default.isWritableFile(atPath: path) ? nil : "it may not be written (its permissions)"
        }
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard Self.type(directory) == .typeDirectory else {
            return "there is no directory \(directory); make it first"
        }
        return FileManager.default.isWritableFile(atPath: directory)
            ? nil : "nothing may be written in \(directory) (its permissions)"
    }
}
