/// Why a text is not the JSON that was expected, and where.
///
/// A value without references: throwing one on the data path allocates nothing.
public struct JSONError: Error, Equatable, Sendable {
    /// Bytes before the place where reading stopped; equal to the text's size exactly when the text ends too early.
    public let offset: Int
    public let reason: Reason

    public init(offset: Int, reason: Reason) {
        self.offset = offset
        self.reason = reason
    }

    /// What the grammar, or the reader's caller, wanted to see next.
    public enum Expectation: String, Sendable {
        case value = "a JSON value"
        case object = "a JSON object"
        case array = "a JSON array"
        case string = "a JSON string"
        case number = "a JSON number"
        case boolean = "true or false"
        case null = "null"
        case memberName = "a member name in quotation marks"
        case colon = "\":\" after the member name"
        case commaOrBrace = "\",\" or \"}\""
        case commaOrBracket = "\",\" or \"]\""
    }

    public enum Reason: Equatable, Sendable {
        case endOfText
        case expected(Expectation)
        case byteOrderMark
        case controlCharacterInString
        case invalidEscape
        case loneSurrogate
        case invalidUTF8
        case invalidNumber
        case numberOutOfRange
        case tooDeep
        case textTooLong
        case bytesAfterValue
    }
}

extension JSONError: CustomStringConvertible {
    /// The reason and the offset: `expected a JSON string at byte 7`.
    public var description: String { "\(self.reason) at byte \(self.offset)" }
}

extension JSONError.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .endOfText: "the JSON text ends too early"
        case .expected(let expectation): "expected \(expectation.rawValue)"
        case .byteOrderMark: "a byte order mark is not JSON: save the text as UTF-8 without one"
        case .controlCharacterInString: "a control character in a JSON string must be written as an escape such as \\n"
        case .invalidEscape: "unknown escape: JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hex digits"
        case .loneSurrogate: "half of a surrogate pair: \\uD800-\\uDBFF must be followed by \\uDC00-\\uDFFF"
        case .invalidUTF8: "these bytes are not UTF-8"
        case .invalidNumber: "not a JSON number: digits without leading zeros, then an optional fraction and exponent"
        case .numberOutOfRange: "the number is too large for a 64-bit float"
        case .tooDeep: "arrays and objects are nested too deeply"
        case .textTooLong: "the JSON text is too long"
        case .bytesAfterValue: "there are more bytes after the JSON value"
        }
    }
}
