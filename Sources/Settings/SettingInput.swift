/// A value as somebody gave it, before it means anything.
public enum SettingInput: Equatable, Sendable {
    /// From a flag or the environment, where everything is text.
    case text(String)
    /// From a file, where a string is not a number.
    case string(String)
    case integer(Int)
    case float(Double)
    case boolean(Bool)
    case table
    /// Its elements are entries of their own.
    case array
    /// Something that no setting is, told by its description.
    case other(String)

    /// How an error names it.
    public var description: String {
        switch self {
        case .text(let text): text.quoted
        case .string(let text): "the string \(text.quoted)"
        case .integer(let number): "\(number)"
        case .float(let number): "the float \(number)"
        case .boolean(let value): "\(value)"
        case .table: "a table"
        case .array: "an array"
        case .other(let description): description
        }
    }

    /// Text in either spelling.
    public var words: String? {
        switch self {
        case .text(let text), .string(let text): text
        case .integer, .float, .boolean, .table, .array, .other: nil
        }
    }

    /// An integer of a file, or the digits of a text.
    public var integer: Int? {
        switch self {
        case .text(let text): Array(text.utf8)[...].decimal
        case .integer(let number): number
        case .string, .float, .boolean, .table, .array, .other: nil
        }
    }

    /// A boolean of a file, or a text that says one.
    var boolean: Bool? {
        switch self {
        case .text("true"), .boolean(true): true
        case .text("false"), .boolean(false): false
        case .text, .string, .integer, .float, .boolean, .table, .array, .other: nil
        }
    }

    /// Digits, or `0x` and hexadecimal digits; a number of a file only where it is not negative.
    var tenantID: UInt128? {
        if case .integer(let number) = self { return UInt128(exactly: number) }
        guard let words = self.words else { return nil }
        let isHex = words.hasPrefix("0x") || words.hasPrefix("0X")
        let digits = isHex ? words.dropFirst(2) : words[...]
        // The standard library would take a sign.
        guard digits.utf8.allSatisfy(isHex ? { $0.isHexDigit } : { $0.isDigit }) else { return nil }
        return UInt128(digits, radix: isHex ? 16 : 10)
    }

    /// A number of a file, or the digits of a text. Never infinite, never NaN.
    public var number: Double? {
        let number: Double? =
            switch self {
            case .text(let text): text.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") } ? Double(text) : nil
            case .integer(let number): Double(number)
            case .float(let number): number
            case .string, .boolean, .table, .array, .other: nil
            }
        return number.flatMap { $0.isFinite ? $0 : nil }
    }
}

/// Why an input does not fit its setting: what was found, what was expected, what may have been meant.
public struct SettingMismatch: Error, Equatable {
    public let found: String
    public let expected: String
    public var reason: String?
    public var suggestion: String?

    public init(found: String, expected: String, reason: String? = nil, suggestion: String? = nil) {
        self.found = found
        self.expected = expected
        self.reason = reason
        self.suggestion = suggestion
    }

    public var sentence: String {
        var sentence = "found \(self.found)"
        if let reason = self.reason { sentence += " (\(reason))" }
        sentence += "; expected \(self.expected)"
        if let suggestion = self.suggestion { sentence += "; did you mean \(suggestion.quoted)?" }
        return sentence
    }
}
