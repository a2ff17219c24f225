import Logging

/// Writes one event as one line. Whatever a client put into it, the line stays one line: control characters and the
/// separators that some viewers take for a line's end leave escaped only.
///
/// A line has at most `bytesMax` bytes, its newline included: that much reaches a pipe in one piece. A value or
/// message that is too long ends in `…`; metadata that no longer fits is left out and counted in `log_omitted`.
struct LogLine {
    /// `PIPE_BUF` of Linux: the kernel never interleaves writes up to this size.
    static let bytesMax = 4096
    private static let messageBytesMax = 1024
    private static let valueBytesMax = 1024
    private static let depthMax = 4
    /// Room for `log_omitted`, the closing brace and the newline.
    private static let tailBytes = 40

    let format: LogLineFormat
    private var text = ""

    static func render(
        _ format: LogLineFormat, timestamp: String, level: Logger.Level, message: String, metadata: Logger.Metadata
    ) -> String {
        var line = LogLine(format: format)
        line.writeHead(timestamp, level, message)
        var omitted = 0
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            let member = line.member(key, value)
            if line.text.utf8.count + member.utf8.count <= Self.bytesMax - Self.tailBytes {
                line.text += member
            } else {
                omitted += 1
            }
        }
        if omitted > 0 { line.text += line.member("log_omitted", .string(String(omitted))) }
        switch format {
        case .text: line.text += "\n"
        case .json: line.text += "}\n"
        }
        return line.text
    }

    private init(format: LogLineFormat) { self.format = format }

    private mutating func writeHead(_ timestamp: String, _ level: Logger.Level, _ message: String) {
        switch self.format {
        case .text:
            self.text = "\(timestamp) \(level.rawValue.uppercased())"
            guard !message.isEmpty else { return }
            self.text += " " + Self.escaped(message, bytesMax: Self.messageBytesMax, quotes: false)
        case .json:
            let message = Self.escaped(message, bytesMax: Self.messageBytesMax, quotes: true)
            self.text = "{\"ts\":\"\(timestamp)\",\"level\":\"\(level.rawValue)\",\"msg\":\"\(message)\""
        }
    }

    /// ` key=value` or `,"key":value`.
    private func member(_ key: String, _ value: Logger.MetadataValue) -> String {
        let value = LogRedaction.isSecret(key) ? .string(LogRedaction.text) : value
        switch self.format {
        case .text:
            let text = Self.plain(value, depth: 0)
            let needsQuotes = text.isEmpty || text.unicodeScalars.contains { Self.needsQuotes($0) }
            let escaped = Self.escaped(text, bytesMax: Self.valueBytesMax, quotes: needsQuotes)
            return " \(Self.textKey(key))=\(needsQuotes ? "\"\(escaped)\"" : escaped)"
        case .json:
            // The three members that every line has cannot be replaced: readers take the last of two equal names.
            let name = ["ts", "level", "msg"].contains(key) ? "\(key)_" : key
            return ",\(Self.jsonString(name)):\(Self.json(value, depth: 0))"
        }
    }

    /// A nested value in a text line: `[a, b]` and `{k: v}`, quoted as a whole by the caller.
    private static func plain(_ value: Logger.MetadataValue, depth: Int) -> String {
        guard depth < self.depthMax else { return "…" }
        switch value {
        case .string(let string): return string
        case .stringConvertible(let value): return value.description
        case .array(let values):
            return "[\(values.map { self.plain($0, depth: depth + 1) }.joined(separator: ", "))]"
        case .dictionary(let values):
            let members = values.sorted { $0.key < $1.key }.map { key, value in
                "\(key): \(LogRedaction.isSecret(key) ? LogRedaction.text : self.plain(value, depth: depth + 1))"
            }
            return "{\(members.joined(separator: ", "))}"
        }
    }

    private static func json(_ value: Logger.MetadataValue, depth: Int) -> String {
        guard depth < self.depthMax else { return "\"…\"" }
        switch value {
        case .string(let string): return self.jsonString(string)
        case .stringConvertible(let value): return self.jsonString(value.description)
        case .array(let values):
            return "[\(values.map { self.json($0, depth: depth + 1) }.joined(separator: ","))]"
        case .dictionary(let values):
            let members = values.sorted { $0.key < $1.key }.map { key, value in
                let value = LogRedaction.isSecret(key) ? .string(LogRedaction.text) : value
                return "\(self.jsonString(key)):\(self.json(value, depth: depth + 1))"
            }
            return "{\(members.joined(separator: ","))}"
        }
    }

    private static func jsonString(_ string: String) -> String {
        "\"\(self.escaped(string, bytesMax: self.valueBytesMax, quotes: true))\""
    }

    /// A key is ours, but a dictionary of somebody else's may have become metadata: nothing in it may look like a
    /// value.
    private static func textKey(_ key: String) -> String {
        let scalars = key.unicodeScalars.map { self.needsQuotes($0) ? "_" : String($0) }
        return scalars.isEmpty ? "_" : self.escaped(scalars.joined(), bytesMax: self.valueBytesMax, quotes: false)
    }

    private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\"", "=", "\\": true
        default: self.isControl(scalar) || scalar.properties.isWhitespace
        }
    }

    /// C0, DEL, C1 and the two separators of Unicode. C1 holds NEL, and an escape sequence's 8-bit introducer.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Escapes as JSON does, which a quoted text value does too; without `quotes` only what could break the line.
    private static func escaped(_ string: String, bytesMax: Int, quotes: Bool) -> String {
        var result = ""
        var bytes = 0
        for scalar in string.unicodeScalars {
            var piece = String(scalar)
            switch scalar {
            case "\n": piece = "\\n"
            case "\r": piece = "\\r"
            case "\t": piece = "\\t"
            case "\"" where quotes: piece = "\\\""
            case "\\" where quotes: piece = "\\\\"
            default:
                if self.isControl(scalar) {
                    let digits = String(scalar.value, radix: 16)
                    piece = "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            }
            bytes += piece.utf8.count
            if bytes > bytesMax { return result + "…" }
            result += piece
        }
        return result
    }
}
