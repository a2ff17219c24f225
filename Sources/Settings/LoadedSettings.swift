internal import Foundation

/// The effective settings and where each of them came from.
public struct LoadedSettings: Sendable {
    public let settings: GatewaySettings

    /// The file that was read; nil when there was none.
    public let file: String?

    /// Where a file was looked for, up to and past the one that was read.
    public let searched: [String]

    /// What is allowed but probably not meant. To be logged.
    public let warnings: [SettingsProblem]

    /// Where the control socket is; nil when there is none.
    public let controlSocketPath: String?

    /// Every setting, in the order of `SettingKey.all`, and what named tenants say.
    let entries: [Entry]

    /// What all of it was made from.
    let draft: SettingsDraft

    struct Entry: Sendable {
        /// `limits.max_frame`, or `tenant.NAME.requests_per_second`.
        let path: String
        let value: SettingValue
        let origin: SettingOrigin
        let isLive: Bool
    }

    /// Where each value came from, by the setting's path.
    public var origins: [String: SettingOrigin] {
        Dictionary(uniqueKeysWithValues: self.entries.map { ($0.path, $0.origin) })
    }

    /// A setting as people read it.
    public struct Row: Sendable, Equatable {
        public let key: String
        /// As `config show` prints it: `16384`, `1MiB`, `5s`, `off`.
        public let value: String
        public let origin: SettingOrigin
    }

    /// Every setting, in the order of the configuration's file.
    public var rows: [Row] {
        self.entries.map { Row(key: $0.path, value: $0.value.text, origin: $0.origin) }
    }

    /// Every setting with its value and origin, aligned, with a heading. Ends with a newline.
    public func table() -> String {
        let rows =
            [["KEY", "VALUE", "FROM"]]
            + self.entries.map { [$0.path, $0.value.text.singleLine, $0.origin.description] }
        let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 2) }.joined() + row[2] + "\n"
        }.joined()
    }

    /// `{"file": PATH|null, "settings": [{"key", "value", "from", "source"}]}`, indented, with a newline at the end.
    ///
    /// `value` is a number for counts and sizes (bytes), text for the rest, null for a quota that is off. `from` is
    /// `default`, `file`, `environment`, `flag` or `derived`; `source` is the place, the name or the other key.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(LoadedSettingsJSON(self)), as: UTF8.self) + "\n"
    }
}

private struct LoadedSettingsJSON: Encodable {
    struct Row: Encodable {
        let key: String
        let value: SettingValue
        let from: String
        let source: String?
    }

    let file: String?
    let settings: [Row]

    init(_ loaded: LoadedSettings) {
        self.file = loaded.file
        self.settings = loaded.entries.map { entry in
            let (from, source) = Self.parts(of: entry.origin)
            return Row(key: entry.path, value: entry.value, from: from, source: source)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(self.file, forKey: .file)  // as null: the key is always there
        try container.encode(self.settings, forKey: .settings)
    }

    private enum Keys: CodingKey {
        case file
        case settings
    }

    private static func parts(of origin: SettingOrigin) -> (from: String, source: String?) {
        switch origin {
        case .builtIn: ("default", nil)
        case .file(let path, let position): ("file", "\(path):\(position.line):\(position.column)")
        case .environment(let name): ("environment", name)
        case .flag(let name): ("flag", name)
        case .derived(let path): ("derived", path)
        }
    }
}

extension SettingValue: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let number), .byteSize(let number): try container.encode(number)
        case .number(let number): try container.encode(number)
        case .boolean(let value): try container.encode(value)
        case .off: try container.encodeNil()
        }
    }
}
