internal import CTOML

/// Line and column of a file, both from 1; columns count code points.
public struct FilePosition: Sendable, Hashable, Comparable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: FilePosition, right: FilePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A TOML text as a flat list of its keys, each with where it and its value stand.
public struct TOMLDocument: Sendable {
    /// Longest text that is read.
    public static let bytesMax = Int(CTOML_TEXT_BYTES_MAX)

    public struct Entry: Sendable {
        /// Dotted, with quotes around segments that need them; an element of an array has that of its array.
        public let path: String
        /// The last segment as it is; empty for an element of an array.
        public let key: String
        public let value: SettingInput
        /// Index of the table or array that holds the entry; nil at the top. Always smaller than the entry's own.
        public let parent: Int?
        public let keyPosition: FilePosition
        public let valuePosition: FilePosition
    }

    /// Tables and arrays stand before what is in them.
    public let entries: [Entry]

    /// Reads a file.
    ///
    /// - Parameter namedBy: who named it, as errors say it: `--config`.
    public init(file path: String, namedBy: String) throws(SettingsErrors) {
        func refusal(_ position: FilePosition?, _ sentence: String) -> SettingsErrors {
            SettingsErrors(problems: [
                SettingsProblem(place: .file(path: path, position), severity: .error, sentence: sentence)
            ])
        }
        let text: [UInt8]
        do throws(ConfigurationFileFault) { text = try ConfigurationFile.read(path) } catch {
            throw refusal(nil, error.sentence(namedBy: namedBy, missing: "correct the path"))
        }
        do throws(TOMLFault) { try self.init(parsing: text) } catch { throw refusal(error.position, error.reason) }
    }

    init(parsing text: [UInt8]) throws(TOMLFault) {
        // The parser notices this too, but not exactly where.
        if let position = Self.firstBeyondUTF8(text) { throw TOMLFault(position, "not TOML: not valid UTF-8") }
        let document = ctoml_open()
        defer { ctoml_close(document) }
        for byte in text {
            switch ctoml_append(document, byte) {
            case 0: continue
            default: throw TOMLFault(FilePosition(line: 1, column: 1), "longer than \(Self.bytesMax.grouped) bytes")
            }
        }
        switch ctoml_parse(document) {
        case 1:
            self.entries = (0..<ctoml_entry_count(document)).map { Self.entry(document, $0) }
        case 0:
            let sentence = Self.text { ctoml_error_byte(document, $0) }
            throw TOMLFault(FilePosition(ctoml_error_position(document)), "not TOML: \(sentence.singleLine)")
        default:
            throw TOMLFault(FilePosition(line: 1, column: 1), "there is no memory to read it")
        }
    }

    /// Where the text stops being UTF-8, if it does.
    private static func firstBeyondUTF8(_ text: [UInt8]) -> FilePosition? {
        var bytes = text.makeIterator()
        var decoder = UTF8()
        var position = FilePosition(line: 1, column: 1)
        while true {
            switch decoder.decode(&bytes) {
            case .scalarValue("\n"): position = FilePosition(line: position.line + 1, column: 1)
            case .scalarValue: position.column += 1
            case .emptyInput: return nil
            case .error: return position
            }
        }
    }

    private static func entry(_ document: ctoml_document, _ index: UInt32) -> Entry {
        let shape = ctoml_entry_at(document, index)
        let text = { (which: Int) in Self.text { ctoml_entry_byte(document, index, Int32(which), $0) } }
        return Entry(
            path: text(Int(CTOML_TEXT_PATH)),
            key: text(Int(CTOML_TEXT_KEY)),
            value: Self.value(kind: Int(shape.kind), text: text(Int(CTOML_TEXT_VALUE))),
            parent: shape.parent < 0 ? nil : Int(shape.parent),
            keyPosition: FilePosition(shape.key),
            valuePosition: FilePosition(shape.value))
    }

    private static func value(kind: Int, text: String) -> SettingInput {
        switch kind {
        case Int(CTOML_KIND_TABLE): .table
        case Int(CTOML_KIND_ARRAY): .array
        case Int(CTOML_KIND_STRING): .string(text)
        case Int(CTOML_KIND_INTEGER): Int(text).map { .integer($0) } ?? .other("the integer \(text)")
        case Int(CTOML_KIND_FLOAT): Double(text).map { .float($0) } ?? .other("the float \(text)")
        case Int(CTOML_KIND_BOOLEAN): .boolean(text == "true")
        default: .other("a date or time")
        }
    }

    private static func text(_ byteAt: (UInt32) -> Int32) -> String {
        var bytes: [UInt8] = []
        while let byte = UInt8(exactly: byteAt(UInt32(bytes.count))) { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Why and where a text is not TOML.
struct TOMLFault: Error, Equatable {
    let position: FilePosition
    let reason: String

    init(_ position: FilePosition, _ reason: String) {
        self.position = position
        self.reason = reason
    }
}

extension FilePosition {
    /// A position that the parser does not know is the start of the text.
    fileprivate init(_ position: ctoml_position) {
        self.init(line: max(1, Int(position.line)), column: max(1, Int(position.column)))
    }
}

extension String {
    /// Without anything that would break a line or steer a terminal.
    var singleLine: String {
        let scalars = self.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(scalars))
    }
}
