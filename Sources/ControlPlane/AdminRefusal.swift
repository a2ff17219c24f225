/// A request that gets an error as its answer: the HTTP status and the error body of OAP/1.
struct AdminRefusal: Error, Equatable {
    let status: Int
    let code: String
    let message: String
    var retryable = false
    /// Not nil exactly when the status is 429 or 503.
    let retryAfterMilliseconds: Int?
    /// What may be done instead; not nil exactly when the status is 405.
    private(set) var allowedMethods: String?

    init(status: Int, code: String, message: String, retryable: Bool = false, retryAfterMilliseconds: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryable = retryable
        switch status {
        case 429, 503: self.retryAfterMilliseconds = retryAfterMilliseconds ?? 1000
        default: self.retryAfterMilliseconds = nil
        }
    }

    static func badRequest(_ message: String) -> AdminRefusal {
        AdminRefusal(status: 400, code: "bad_request", message: message)
    }

    static func notFound(path: String) -> AdminRefusal {
        AdminRefusal(
            status: 404, code: "not_found", message: "there is no \(path) here; GET / lists the paths")
    }

    static func methodNotAllowed(_ method: String) -> AdminRefusal {
        self.methodNotAllowed("the admin port is read-only: GET and HEAD, not \(method)", allowed: "GET, HEAD")
    }

    static func methodNotAllowed(_ message: String, allowed: String) -> AdminRefusal {
        var refusal = AdminRefusal(status: 405, code: "bad_request", message: message)
        refusal.allowedMethods = allowed
        return refusal
    }

    static func bodyTooLarge(_ bytesMax: Int) -> AdminRefusal {
        AdminRefusal(
            status: 413, code: "bad_request", message: "a request's body has at most \(bytesMax) bytes here")
    }

    static func headTooLarge(_ bytesMax: Int) -> AdminRefusal {
        AdminRefusal(
            status: 431, code: "bad_request", message: "a request's line and headers have at most \(bytesMax) bytes")
    }

    static func versionNotSupported(_ version: String) -> AdminRefusal {
        AdminRefusal(status: 505, code: "bad_version", message: "this server speaks HTTP/1.1, not \(version)")
    }
}
