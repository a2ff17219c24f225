import FlyingFox
import Foundation

/// Makes answers: bodies that end in a newline, so that curl's output is tidy, and are never cached.
enum AdminResponse {
    static func text(_ text: String, contentType: String = "text/plain; charset=utf-8") -> HTTPResponse {
        self.make(status: 200, contentType: contentType, body: Data(text.utf8))
    }

    /// - Parameter json: without its newline.
    static func json(_ json: Data, status: Int = 200) -> HTTPResponse {
        self.make(status: status, contentType: "application/json", body: json + [UInt8(ascii: "\n")])
    }

    static func json(_ value: some Encodable, status: Int = 200) -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return self.json(try encoder.encode(value), status: status)
        } catch {
            // Strings, numbers and booleans always encode; whoever adds a type that does not reads this.
            return self.json(Data(#"{"code":"internal","message":"unencodable","retryable":true}"#.utf8), status: 500)
        }
    }

    static func refusal(_ refusal: AdminRefusal) -> HTTPResponse {
        var response = self.json(ErrorBody(refusal), status: refusal.status)
        if let milliseconds = refusal.retryAfterMilliseconds {
            // Whole seconds, rounded up: a client that comes back too early is refused again.
            let seconds = max(1, milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0))
            response.headers[HTTPHeader("Retry-After")] = String(seconds)
        }
        if let methods = refusal.allowedMethods { response.headers[HTTPHeader("Allow")] = methods }
        return response
    }

    /// The bytes on the wire, in one piece so that they leave in one segment where they fit.
    ///
    /// - Parameter hasBody: false for HEAD, whose head says the length of the body that GET would get.
    static func encode(_ response: HTTPResponse, body: Data, hasBody: Bool, keepsAlive: Bool) -> Data {
        var head = "HTTP/1.1 \(response.statusCode.code) \(response.statusCode.phrase)\r\n"
        for (header, value) in response.headers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            head += "\(header.rawValue): \(value)\r\n"
        }
        head += "Content-Length: \(body.count)\r\nConnection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Data(head.utf8) + (hasBody ? body : Data())
    }

    /// Ready bytes for a client for whom there is no place: nothing may be waited for then.
    static let overloaded = Data(
        """
        HTTP/1.1 503 Service Unavailable\r
        Cache-Control: no-store\r
        Connection: close\r
        Content-Length: \(overloadedBody.utf8.count)\r
        Content-Type: application/json\r
        Retry-After: 1\r
        \r
        \(overloadedBody)
        """.utf8)

    private static let overloadedBody =
        #"{"code":"overloaded","message":"every admin connection is answering a request; try again","#
        + #""retry_after_ms":1000,"retryable":true}"# + "\n"

    private static func make(status: Int, contentType: String, body: Data) -> HTTPResponse {
        HTTPResponse(
            statusCode: HTTPStatusCode(status, phrase: self.phrase(status)),
            headers: [.contentType: contentType, HTTPHeader("Cache-Control"): "no-store"], body: body)
    }

    private static func phrase(_ status: Int) -> String {
        let known: [HTTPStatusCode] = [
            .ok, .badRequest, .unauthorized, .paymentRequired, .forbidden, .notFound, .methodNotAllowed,
            .requestTimeout, .conflict, .payloadTooLarge, .tooManyRequests, .requestHeaderFieldsTooLarge,
            .internalServerError, .serviceUnavailable, .httpVersionNotSupported,
            HTTPStatusCode(422, phrase: "Unprocessable Content"),
        ]
        return known.first { $0.code == status }?.phrase ?? (status < 500 ? "Client Error" : "Server Error")
    }
}

/// OAP1.md's error body; there is no `corr_id` over HTTP.
private struct ErrorBody: Encodable {
    let code: String
    let message: String
    let retryable: Bool
    let retryAfterMilliseconds: Int?

    init(_ refusal: AdminRefusal) {
        self.code = refusal.code
        self.message = refusal.message
        self.retryable = refusal.retryable
        self.retryAfterMilliseconds = refusal.retryAfterMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case code, message, retryable
        case retryAfterMilliseconds = "retry_after_ms"
    }
}
