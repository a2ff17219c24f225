/// Swift source with everything blanked that is no code: comments, and literals of text and patterns together with what is
/// interpolated into them. Lines stay where they are, so that counting braces and looking for words is honest.
struct SwiftCode: Sendable {
    let lines: [Substring]

    init(_ text: String) {
        var lexer = Lexer(Array(text.utf8))
        lexer.run()
        self.lines = String(decoding: lexer.output, as: UTF8.self)[...]
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Functions, initialisers and deinitialisers with bodies.
    var functions: [(name: Substring, line: Int, lineCount: Int)] {
        self.lines.indices.compactMap { index in
            guard let match = Self.declaration(in: self.lines[index]),
                let end = self.endOfBody(from: index, after: match.range.lowerBound)
            else { return nil }
            return (match.output.1, index, end - index + 1)
        }
    }

    private static var declaration: Regex<(Substring, Substring)> {
        /(?:^|[ \t])(func [^\s(<]+|init[?!]?(?=[(<])|deinit(?= \{))/
    }

    /// Most lines have none of the words; the pattern is asked about the others only.
    private static func declaration(in line: Substring) -> Regex<(Substring, Substring)>.Match? {
        guard line.contains("func ") || line.contains("init") else { return nil }
        return line.firstMatch(of: self.declaration)
    }

    /// The line of the brace that closes the body; nil for a requirement of a protocol, which has none.
    private func endOfBody(from first: Int, after start: Substring.Index) -> Int? {
        var (parentheses, braces) = (0, 0)
        for index in first..<self.lines.count {
            let line = index == first ? self.lines[index][start...] : self.lines[index]
            if index > first, parentheses == 0, braces == 0, Self.declaration(in: line) != nil { return nil }
            for byte in line.utf8 {
                switch byte {
                case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += braces == 0 ? 1 : 0
                case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= braces == 0 ? 1 : 0
                case UInt8(ascii: "{") where parentheses == 0: braces += 1
                case UInt8(ascii: "}") where parentheses == 0:
                    braces -= 1
                    if braces == 0 { return index }
                    if braces < 0 { return nil }
                default: break
                }
            }
        }
        return nil
    }
}

/// Copies code and newlines, and replaces the rest by spaces.
private struct Lexer {
    private let input: [UInt8]
    private var position = 0
    private(set) var output: [UInt8] = []

    init(_ input: [UInt8]) {
        self.input = input
        self.output.reserveCapacity(input.count)
    }

    mutating func run() {
        while self.position < self.input.count { self.code() }
    }

    /// One byte of code, or a whole comment or literal.
    private mutating func code() {
        switch self.input[self.position] {
        case UInt8(ascii: "/") where self.sees("//"):
            while self.position < self.input.count, self.input[self.position] != UInt8(ascii: "\n") { self.blank() }
        case UInt8(ascii: "/") where self.sees("/*"):
            self.blockComment()
        case UInt8(ascii: "/") where self.isPatternStart:
            self.pattern()
        case UInt8(ascii: "#"), UInt8(ascii: "\""):
            if let hashes = self.hashesBeforeQuote() { self.literal(hashes) } else { fallthrough }
        default:
            self.output.append(self.input[self.position])
            self.position += 1
        }
    }

    /// A slash divides behind a value; a pattern stands where a value begins, and never begins with a space.
    private var isPatternStart: Bool {
        let next = self.position + 1
        guard next < self.input.count, ![UInt8(ascii: " "), UInt8(ascii: "\n")].contains(self.input[next]) else {
            return false
        }
        let before = self.output.last { $0 != UInt8(ascii: " ") } ?? UInt8(ascii: "\n")
        return "(,=:{[\n".utf8.contains(before)
    }

    private mutating func pattern() {
        self.blank()
        while self.position < self.input.count, self.input[self.position] != UInt8(ascii: "\n"), !self.sees("/") {
            self.blank(self.sees("\\") ? 2 : 1)
        }
        self.blank()
    }

    private mutating func blockComment() {
        self.blank(2)
        while self.position < self.input.count, !self.sees("*/") {
            if self.sees("/*") { self.blockComment() } else { self.blank() }
        }
        self.blank(2)
    }

    /// How many `#` stand before a quote here; nil when no literal begins.
    private func hashesBeforeQuote() -> Int? {
        let hashes = self.input[self.position...].prefix { $0 == UInt8(ascii: "#") }.count
        let quote = self.position + hashes
        guard quote < self.input.count, self.input[quote] == UInt8(ascii: "\"") else { return nil }
        return hashes
    }

    private mutating func literal(_ hashesCount: Int) {
        let hashes = String(repeating: "#", count: hashesCount)
        self.blank(hashesCount)
        let quotes = self.sees("\"\"\"") ? "\"\"\"" : "\""
        self.blank(quotes.utf8.count)
        while self.position < self.input.count, !self.sees(quotes + hashes) {
            if self.sees("\\\(hashes)(") {
                self.interpolation(hashesCount + 2)
            } else if self.sees("\\\(hashes)") {
                self.blank(hashesCount + 2)
            } else {
                self.blank()
            }
        }
        self.blank(quotes.utf8.count + hashesCount)
    }

    private mutating func interpolation(_ opening: Int) {
        self.blank(opening)
        var depth = 1
        while self.position < self.input.count, depth > 0 {
            if let hashes = self.hashesBeforeQuote() {
                self.literal(hashes)
                continue
            }
            if self.input[self.position] == UInt8(ascii: "(") { depth += 1 }
            if self.input[self.position] == UInt8(ascii: ")") { depth -= 1 }
            self.blank()
        }
    }

    private func sees(_ text: String) -> Bool {
        self.input[self.position...].starts(with: text.utf8)
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where self.position < self.input.count {
            let byte = self.input[self.position]
            self.output.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
            self.position += 1
        }
    }
}
