internal import OAP

/// What the requests of a run ask for.
public enum Workload: String, CaseIterable, Sendable {
    case ping
    case hello
    case resolve
    case resolveMany = "resolve-many"

    /// The protocol's own range.
    public static let keysPerRequestRange = 1...PayloadLimits.keysPerRequestMax

    public var needsKeys: Bool {
        switch self {
        case .ping, .hello: false
        case .resolve, .resolveMany: true
        }
    }

    var application: UInt16 {
        switch self {
        case .ping, .hello: Application.control
        case .resolve, .resolveMany: Application.index
        }
    }

    var method: Method {
        switch self {
        case .ping: .ping
        case .hello: .hello
        case .resolve: .resolve
        case .resolveMany: .resolveMany
        }
    }

    /// Flags of an answer with status 200; the HELLO reply is a bare RESP.
    var answerFlags: FrameFlags {
        switch self {
        case .hello: .response
        case .ping, .resolve, .resolveMany: [.response, .end]
        }
    }
}
