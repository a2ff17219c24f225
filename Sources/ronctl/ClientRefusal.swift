import Foundation
import OAP
import Terminal

/// The body of an answer with a status >= 400.
struct ClientRefusal: Equatable {
    let status: UInt16
    /// `unknown` when the body could not be read.
    let code: String
    let message: String
    let isRetryable: Bool
    let retryAfterMilliseconds: Int?

    private struct Body: Decodable {
        let code: String
        let message: String
        let retryable: Bool
        let retryAfterMilliseconds: Int?

        enum CodingKeys: String, CodingKey {
            case code, message, retryable
            case retryAfterMilliseconds = "retry_after_ms"
        }
    }

    init(status: UInt16, payload: [UInt8]) {
        let body = try? JSONDecoder().decode(Body.self, from: Data(payload))
        self.status = status
        self.code = body?.code ?? "unknown"
        self.message = body?.message ?? "The answer has no readable error body."
        self.isRetryable = body?.retryable ?? false
        self.retryAfterMilliseconds = body?.retryAfterMilliseconds
    }

    var isNotFound: Bool { self.status == ErrorCode.notFound.status && self.code == ErrorCode.notFound.name }

    /// `503 overloaded: Too many … (retryable, after 1000 ms)`.
    var sentence: String {
        let hint: String
        if let milliseconds = self.retryAfterMilliseconds {
            hint = "retryable, after \(milliseconds) ms"
        } else {
            hint = self.isRetryable ? "retryable" : "not retryable"
        }
        return "\(self.status) \(TerminalText.printable(self.code)): \(TerminalText.printable(self.message)) (\(hint))"
    }

    /// The members of the JSON form, without braces.
    func write(to writer: inout JSONWriter) {
        writer.raw("\"status\":")
        writer.number(self.status)
        writer.raw(",\"code\":")
        writer.string(self.code)
        writer.raw(",\"message\":")
        writer.string(self.message)
        writer.raw(self.isRetryable ? ",\"retryable\":true" : ",\"retryable\":false")
        if let milliseconds = self.retryAfterMilliseconds {
            writer.raw(",\"retry_after_ms\":")
            writer.number(milliseconds)
        }
    }
}
