import OAP
import Testing

@Suite struct ErrorCodeTests {
    struct Row {
        let code: ErrorCode
        let name: String
        let status: UInt16
        var isRetryable = false
        var closes = false
    }

    /// The protocol page's table of errors, row by row.
    static let table: [Row] = [
        Row(code: .badFlags, name: "bad_flags", status: 400, closes: true),
        Row(code: .badVersion, name: "bad_version", status: 400, closes: true),
        Row(code: .badLength, name: "bad_length", status: 400, closes: true),
        Row(code: .capabilityWithoutStart, name: "cap_without_start", status: 400, closes: true),
        Row(code: .capabilityOutOfBounds, name: "cap_out_of_bounds", status: 400, closes: true),
        Row(code: .frameTooLarge, name: "frame_too_large", status: 413, closes: true),
        Row(code: .badSequence, name: "bad_sequence", status: 400),
        Row(code: .badRequest, name: "bad_request", status: 400),
        Row(code: .badCompression, name: "bad_compression", status: 400),
        Row(code: .decompressionBound, name: "decompression_bound", status: 413),
        Row(code: .unknownApplication, name: "unknown_app", status: 404),
        Row(code: .capabilityRequired, name: "capability_required", status: 401),
        Row(code: .capabilityDenied, name: "capability_denied", status: 403),
        Row(code: .methodForbidden, name: "method_forbidden", status: 403),
        Row(code: .paymentRequired, name: "payment_required", status: 402),
        Row(code: .notFound, name: "not_found", status: 404),
        Row(code: .etagMismatch, name: "etag_mismatch", status: 409),
        Row(code: .deadlineExceeded, name: "deadline_exceeded", status: 408, isRetryable: true),
        Row(code: .tooManyInflight, name: "too_many_inflight", status: 429, isRetryable: true),
        Row(code: .quotaExhausted, name: "quota_exhausted", status: 429, isRetryable: true),
        Row(code: .indexUnavailable, name: "index_unavailable", status: 500, isRetryable: true),
        Row(code: .backendUnavailable, name: "backend_unavailable", status: 500, isRetryable: true),
        Row(code: .ingressExhausted, name: "ingress_exhausted", status: 503, isRetryable: true),
        Row(code: .overloaded, name: "overloaded", status: 503, isRetryable: true),
        Row(code: .draining, name: "draining", status: 503, isRetryable: true),
        Row(code: .notReady, name: "not_ready", status: 503, isRetryable: true),
        Row(code: .internalFault, name: "internal", status: 500, isRetryable: true),
    ]

    @Test func everyCodeIsThePagesRow() {
        #expect(Self.table.map(\.code) == ErrorCode.allCases, "the list is closed and in the page's order")
        for row in Self.table {
            #expect(row.code.name == row.name)
            #expect(row.code.status == row.status, "\(row.name)")
            #expect(row.code.isRetryable == row.isRetryable, "\(row.name)")
            #expect(row.code.closesConnection == row.closes, "\(row.name)")
            #expect(row.code.hasRetryAfter == (row.status == 429 || row.status == 503), "\(row.name)")
        }
    }

    /// What the decoder refuses closes, and nothing else does: only then is the place of the next frame unknown.
    @Test func namesAreUniqueAndSentencesArePrintable() {
        #expect(Set(ErrorCode.allCases.map(\.name)).count == ErrorCode.allCases.count)
        for code in ErrorCode.allCases {
            #expect(code.name.utf8.allSatisfy { $0 == UInt8(ascii: "_") || ($0 >= 97 && $0 <= 122) }, "\(code)")
            #expect(code.sentence.hasSuffix("."), "\(code)")
            #expect((10...200).contains(code.sentence.utf8.count), "\(code)")
            #expect(
                code.sentence.utf8.allSatisfy { (0x20..<0x7F).contains($0) && $0 != 0x22 && $0 != 0x5C }, "\(code)")
        }
    }
}
