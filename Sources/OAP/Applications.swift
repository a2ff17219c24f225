/// Applications that this gateway serves by itself.
public enum Application {
    public static let control: UInt16 = 0
    public static let index: UInt16 = 0x0101
}

/// A method that the gateway knows, parsed from `app_proto_id` and `code`. All of them are unary.
public enum Method: Equatable, Sendable {
    case hello
    case ping
    case resolve
    case resolveMany
    /// Put and delete: only svc-index takes them.
    case indexWrite

    /// What a pair of numbers names, or why it names nothing here.
    public enum Lookup: Equatable, Sendable {
        case method(Method)
        case unknownApplication
        case unknownMethod
    }

    @inline(__always)
    public static func lookup(application: UInt16, code: UInt16) -> Lookup {
        switch (application, code) {
        case (Application.index, 0): .method(.resolve)
        case (Application.index, 1): .method(.resolveMany)
        case (Application.index, 16), (Application.index, 17): .method(.indexWrite)
        case (Application.control, 0): .method(.hello)
        case (Application.control, 1): .method(.ping)
        case (Application.index, _), (Application.control, _): .unknownMethod
        default: .unknownApplication
        }
    }

    /// The number in `code`; writes stand for put.
    public var code: UInt16 {
        switch self {
        case .hello, .resolve: 0
        case .ping, .resolveMany: 1
        case .indexWrite: 16
        }
    }
}

/// Control events that the gateway pushes.
public enum ControlEvent {
    public static let goAway: UInt16 = 1
}

/// The protocol's own numbers for payloads of the methods above.
public enum PayloadLimits {
    public static let pingBytesMax = 64
    public static let keysPerRequestMax = 256
}
