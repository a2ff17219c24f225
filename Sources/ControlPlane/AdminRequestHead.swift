import FlyingFox
import Foundation

/// The head of one HTTP/1 request, parsed strictly: what is not understood is refused, never guessed at.
struct AdminRequestHead {
    let request: HTTPRequest
    /// Bytes that follow the head and are not looked at.
    let bodyBytes: Int
    /// True exactly when the client may send another request on this connection.
    let keepsAlive: Bool

    /// What the bytes received so far amount to.
    enum Outcome {
        case incomplete
        case complete(AdminRequestHead, headBytes: Int)
        /// The connection closes after this answer.
        case refused(AdminRefusal)
    }

    /// - Parameters:
    ///   - bytes: from the first byte of the request line on; may hold more than the head.
    ///   - scanned: bytes at the front known from earlier calls not to end the head; kept up to date, so that a head
    ///     that arrives byte by byte is looked at once.
    static func parse(_ bytes: [UInt8], scanned: inout Int, limits: AdminLimits) -> Outcome {
        if let first = bytes.first, !Self.isToken(first) {
            let tls = first == 0x16 ? "; this looks like TLS" : ""
            return .refused(.badRequest("the admin port speaks clear-text HTTP/1.1\(tls)"))
        }
        guard let headBytes = Self.headEnd(bytes, scanned: &scanned), headBytes <= limits.headBytesMax else {
            return bytes.count > limits.headBytesMax ? .refused(.headTooLarge(limits.headBytesMax)) : .incomplete
        }
        do {
            let head = try Self.parse(head: bytes[..<headBytes], limits: limits)
            return .complete(head, headBytes: headBytes)
        } catch {
            return .refused(error)
        }
    }

    /// The index after the empty line, or nil.
    private static func headEnd(_ bytes: [UInt8], scanned: inout Int) -> Int? {
        let newline = UInt8(ascii: "\n")
        var index = scanned
        while index < bytes.count {
            if bytes[index] == newline {
                let isEmptyLine =
                    index >= 1 && bytes[index - 1] == newline
                    || index >= 2 && bytes[index - 1] == UInt8(ascii: "\r") && bytes[index - 2] == newline
                if isEmptyLine { return index + 1 }
            }
            index += 1
        }
        scanned = index
        return nil
    }

    private static func parse(head: ArraySlice<UInt8>, limits: AdminLimits) throws(AdminRefusal) -> AdminRequestHead {
        guard head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }) else {
            throw .badRequest("the request's head has control characters")
        }
        var lines = head.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
            .map { String(decoding: $0, as: UTF8.self) }
        let requestLine = lines.removeFirst()
        let words = requestLine.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0].utf8.allSatisfy(Self.isToken), words[2].hasPrefix("HTTP/") else {
            throw .badRequest("the request line is not METHOD TARGET HTTP/1.1")
        }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else { throw .versionNotSupported(String(words[2])) }
        let headers = try Self.headers(lines.prefix { !$0.isEmpty })
        let isCurrent = words[2] == "HTTP/1.1"
        guard !isCurrent || headers.values(for: .host).count == 1 else {
            throw .badRequest("a request of HTTP/1.1 has exactly one Host header")
        }
        let connection = headers.values(for: .connection).joined(separator: ",").lowercased()
            .split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        return AdminRequestHead(
            request: HTTPRequest(
                method: HTTPMethod(String(words[0])), version: HTTPVersion(String(words[2])),
                target: try Self.target(words[1]), headers: headers, body: HTTPBodySequence()),
            bodyBytes: try Self.bodyBytes(headers, limits: limits),
            keepsAlive: isCurrent ? !connection.contains("close") : connection.contains("keep-alive"))
    }

    private static func headers(_ lines: some Sequence<String>) throws(AdminRefusal) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in lines {
            // A name with a space before its colon, and a folded line, are how requests get smuggled.
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex,
                line[..<colon].utf8.allSatisfy(Self.isToken)
            else { throw .badRequest("a header is not NAME: VALUE") }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers.addValue(value, for: HTTPHeader(String(line[..<colon])))
        }
        return headers
    }

    private static func bodyBytes(_ headers: HTTPHeaders, limits: AdminLimits) throws(AdminRefusal) -> Int {
        guard headers.values(for: .transferEncoding).isEmpty else {
            throw .badRequest("a request to the admin port has no Transfer-Encoding")
        }
        let lengths = headers.values(for: .contentLength)
        guard let length = lengths.first else { return 0 }
        guard lengths.count == 1, !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .badRequest("Content-Length is not one number of bytes")
        }
        guard let bytes = Int(length), bytes <= limits.bodyBytesMax else { throw .bodyTooLarge(limits.bodyBytesMax) }
        return bytes
    }

    /// Path and query as they came; `http://host/path`, which a server must take, loses its host.
    private static func target(_ text: Substring) throws(AdminRefusal) -> HTTPRequest.Target {
        var text = text
        if text.lowercased().hasPrefix("http://") {
            let rest = text.dropFirst("http://".count)
            text = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        guard text.hasPrefix("/") else { throw .badRequest("the request's target is not a path") }
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return HTTPRequest.Target(path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "")
    }

    /// RFC 9110's token characters.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
