import Foundation
import OAP
import Testing

@Suite struct ErrorBodyTests {
    static func text(_ body: ErrorBody) -> String {
        let bytes = body.bytes
        return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    static func object(_ body: ErrorBody) throws -> [String: Any] {
        let parsed = try JSONSerialization.jsonObject(with: Data(Self.text(body).utf8))
        return try #require(parsed as? [String: Any])
    }

    @Test(arguments: ErrorCode.allCases) func everyCodesBodyIsThePagesShape(_ code: ErrorCode) throws {
        let body = try Self.object(ErrorBody(code, correlation: .max, retryAfterMilliseconds: 1234))
        var keys: Set<String> = ["code", "message", "retryable", "corr_id"]
        if code.status == 429 || code.status == 503 { keys.insert("retry_after_ms") }
        #expect(Set(body.keys) == keys)
        #expect(body["code"] as? String == code.name)
        #expect(body["message"] as? String == code.sentence)
        #expect(body["retryable"] as? Bool == code.isRetryable)
        #expect(body["corr_id"] as? String == "18446744073709551615")
        if keys.contains("retry_after_ms") { #expect(body["retry_after_ms"] as? Int == 1234) }
    }

    @Test func theBytesAreExact() {
        #expect(
            Self.text(ErrorBody(.notFound, sentence: "Gone.", correlation: 7))
                == #"{"code":"not_found","message":"Gone.","retryable":false,"corr_id":"7"}"#)
        let overloaded =
            #"{"code":"overloaded","message":"Busy.","retryable":true,"corr_id":"0","retry_after_ms":50}"#
        #expect(
            Self.text(ErrorBody(.overloaded, sentence: "Busy.", correlation: 0, retryAfterMilliseconds: 50))
                == overloaded)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 18_446_744_073_709_551_615] as [UInt64])
    func decimalsAreWrittenInFull(_ number: UInt64) throws {
        let body = Self.text(ErrorBody(.draining, correlation: number, retryAfterMilliseconds: number))
        #expect(body.contains("\"corr_id\":\"\(number)\""))
        #expect(body.hasSuffix("\"retry_after_ms\":\(number)}"))
    }

    /// A sentence cannot break the JSON, whatever is in it, and the longest body fits.
    @Test func noSentenceBreaksTheBody() throws {
        let hostile = [
            "a\"b\\c\n\u{0}\u{7F}", "naïve — 名前", String(repeating: "é", count: 150),
            String(repeating: "\"", count: 999),
        ]
        for sentence in hostile {
            let body = ErrorBody(.tooManyInflight, sentence: sentence, correlation: .max, retryAfterMilliseconds: .max)
            #expect(body.count <= ErrorBody.byteCountMax)
            let message = try #require(try Self.object(body)["message"] as? String)
            #expect(message.utf8.count <= 200)
            #expect(message.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
        }
    }
}
