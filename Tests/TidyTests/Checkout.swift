import Foundation

/// The checkout that these tests were built from, as text.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// What people write here; everything else is binary or made by tools.
    private static let textExtensions: Set<String> = [
        "swift", "c", "h", "cpp", "hpp", "modulemap", "py", "sh", "toml", "json", "jsonl", "md", "yml", "yaml", "csv",
        "txt", "service", "rules", "docc", "tutorial", "js", "html", "svg",
    ]
    private static let textNames: Set<String> = ["Makefile", "setup", "run", ".gitignore", ".swift-format"]

    /// Hidden files that are ours. Others are git's, an editor's, or what building leaves.
    private static let hiddenNames: Set<String> = [".ci", ".github", ".gitignore", ".swift-format"]

    private static func isSkipped(_ name: String) -> Bool {
        (name.hasPrefix(".") && !self.hiddenNames.contains(name)) || name == "Package.resolved"
    }

    /// Every text file of ours, by its path from the root, sorted.
    static let textFiles: [TextFile] = Self.paths(under: "").filter { path in
        let name = (path as NSString).lastPathComponent
        return Self.textNames.contains(name) || Self.textExtensions.contains((name as NSString).pathExtension)
    }.map(TextFile.init)

    /// Swift files of rooms and executables.
    static let sources: [TextFile] = Self.textFiles.filter { $0.path.hasPrefix("Sources/") && $0.isSwift }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(self.root)/\(path)") }

    static func text(_ path: String) -> String {
        guard let data = FileManager.default.contents(atPath: "\(self.root)/\(path)") else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Names in a directory, sorted; empty when it is not there.
    static func names(in directory: String) -> [String] { self.namesIfDirectory(directory) ?? [] }

    private static func namesIfDirectory(_ path: String) -> [String]? {
        let path = path.isEmpty ? self.root : "\(self.root)/\(path)"
        return (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted()
    }

    /// Paths of files, those of folders within included.
    private static func paths(under directory: String) -> [String] {
        self.names(in: directory).filter { !self.isSkipped($0) }.flatMap { name -> [String] in
            let path = directory.isEmpty ? name : "\(directory)/\(name)"
            return self.namesIfDirectory(path) == nil ? [path] : self.paths(under: path)
        }
    }
}

/// One file as its author wrote it.
struct TextFile: Sendable {
    /// From the root.
    let path: String
    let text: String
    let lines: [Substring]
    /// Empty unless it is Swift.
    let code: SwiftCode

    init(_ path: String) {
        self.path = path
        self.text = Checkout.text(path)
        self.code = SwiftCode(path.hasSuffix(".swift") ? self.text : "")
        self.lines = self.text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    var isSwift: Bool { self.path.hasSuffix(".swift") }
    var isMakefile: Bool { self.path.hasSuffix("Makefile") }

    /// `Sources/OAP/ErrorCode.swift` is of the room `OAP`.
    var room: String { self.path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// The place of a line, as compilers write it.
    func place(_ index: Int) -> String { "\(self.path):\(index + 1)" }
}
