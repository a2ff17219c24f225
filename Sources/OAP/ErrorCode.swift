/// The closed list of what the gateway answers with instead of a result: status, code, whether trying again can help,
/// and the connection's fate. Metrics, logs and tests all read it from here.
public enum ErrorCode: UInt8, CaseIterable, Sendable {
    case badFlags, badVersion, badLength, capabilityWithoutStart, capabilityOutOfBounds, frameTooLarge
    case badSequence, badRequest, badCompression, decompressionBound
    case unknownApplication, capabilityRequired, capabilityDenied, methodForbidden, paymentRequired
    case notFound, etagMismatch, deadlineExceeded, tooManyInflight, quotaExhausted
    case indexUnavailable, backendUnavailable
    case ingressExhausted, overloaded, draining, notReady
    case internalFault

    /// The word on the wire, in metrics and in logs.
    public var name: String {
        switch self {
        case .badFlags: "bad_flags"
        case .badVersion: "bad_version"
        case .badLength: "bad_length"
        case .capabilityWithoutStart: "cap_without_start"
        case .capabilityOutOfBounds: "cap_out_of_bounds"
        case .frameTooLarge: "frame_too_large"
        case .badSequence: "bad_sequence"
        case .badRequest: "bad_request"
        case .badCompression: "bad_compression"
        case .decompressionBound: "decompression_bound"
        case .unknownApplication: "unknown_app"
        case .capabilityRequired: "capability_required"
        case .capabilityDenied: "capability_denied"
        case .methodForbidden: "method_forbidden"
        case .paymentRequired: "payment_required"
        case .notFound: "not_found"
        case .etagMismatch: "etag_mismatch"
        case .deadlineExceeded: "deadline_exceeded"
        case .tooManyInflight: "too_many_inflight"
        case .quotaExhausted: "quota_exhausted"
        case .indexUnavailable: "index_unavailable"
        case .backendUnavailable: "backend_unavailable"
        case .ingressExhausted: "ingress_exhausted"
        case .overloaded: "overloaded"
        case .draining: "draining"
        case .notReady: "not_ready"
        case .internalFault: "internal"
        }
    }

    public var status: UInt16 {
        switch self {
        case .badFlags, .badVersion, .badLength, .capabilityWithoutStart, .capabilityOutOfBounds, .badSequence,
            .badRequest, .badCompression:
            400
        case .capabilityRequired: 401
        case .paymentRequired: 402
        case .capabilityDenied, .methodForbidden: 403
        case .unknownApplication, .notFound: 404
        case .deadlineExceeded: 408
        case .etagMismatch: 409
        case .frameTooLarge, .decompressionBound: 413
        case .tooManyInflight, .quotaExhausted: 429
        case .indexUnavailable, .backendUnavailable, .internalFault: 500
        case .ingressExhausted, .overloaded, .draining, .notReady: 503
        }
    }

    public var isRetryable: Bool {
        switch self {
        case .deadlineExceeded, .tooManyInflight, .quotaExhausted, .indexUnavailable, .backendUnavailable,
            .ingressExhausted, .overloaded, .draining, .notReady, .internalFault:
            true
        case .badFlags, .badVersion, .badLength, .capabilityWithoutStart, .capabilityOutOfBounds, .frameTooLarge,
            .badSequence, .badRequest, .badCompression, .decompressionBound, .unknownApplication, .capabilityRequired,
            .capabilityDenied, .methodForbidden, .paymentRequired, .notFound, .etagMismatch:
            false
        }
    }

    /// True exactly when the answer carries `retry_after_ms`.
    public var hasRetryAfter: Bool { self.status == 429 || self.status == 503 }

    /// True exactly when the connection ends with the answer: the stream of frames can no longer be trusted.
    public var closesConnection: Bool {
        switch self {
        case .badFlags, .badVersion, .badLength, .capabilityWithoutStart, .capabilityOutOfBounds, .frameTooLarge: true
        case .badSequence, .badRequest, .badCompression, .decompressionBound, .unknownApplication, .capabilityRequired,
            .capabilityDenied, .methodForbidden, .paymentRequired, .notFound, .etagMismatch, .deadlineExceeded,
            .tooManyInflight, .quotaExhausted, .indexUnavailable, .backendUnavailable, .ingressExhausted, .overloaded,
            .draining, .notReady, .internalFault:
            false
        }
    }

    /// The sentence that a client sees when the place that refuses has nothing more precise to say. Never needs
    /// escaping in JSON.
    public var sentence: String {
        switch self {
        case .badFlags: "Flag bits 8 to 15 are reserved and must be 0."
        case .badVersion: "This port speaks OAP version 1 only."
        case .badLength: "A frame is at least 38 bytes long."
        case .capabilityWithoutStart: "Only a frame with START may carry a capability."
        case .capabilityOutOfBounds: "The capability is longer than its frame."
        case .frameTooLarge: "The frame is longer than this gateway's max_frame."
        case .badSequence: "The frame breaks the rules of its exchange."
        case .badRequest: "The request's payload or parameters are malformed."
        case .badCompression: "Compressed payloads are not supported here; send it without COMP."
        case .decompressionBound: "The payload inflates beyond the limit."
        case .unknownApplication: "No application with this app_proto_id is served here."
        case .capabilityRequired: "This method needs a capability; send it in a frame with START."
        case .capabilityDenied: "The capability does not allow this request."
        case .methodForbidden: "This method is not open to clients of the gateway."
        case .paymentRequired: "This request has to be paid for."
        case .notFound: "The index has no record under this key."
        case .etagMismatch: "The record has changed; read it again."
        case .deadlineExceeded: "No answer came before the request's deadline."
        case .tooManyInflight: "Too many requests are open on this connection; wait for answers."
        case .quotaExhausted: "The request quota is spent; slow down."
        case .indexUnavailable: "The index cannot answer now."
        case .backendUnavailable: "The routed service cannot answer now."
        case .ingressExhausted: "The gateway's request quota is spent; try again later."
        case .overloaded: "The gateway has as many open requests as it can take; try again later."
        case .draining: "The gateway is shutting down; connect again for another instance."
        case .notReady: "The gateway is starting; try again in a moment."
        case .internalFault: "The gateway failed to process this request."
        }
    }
}
