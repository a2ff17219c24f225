import ArgumentParser
import OAP

/// What the requests of a run ask for.
enum Workload: String, ExpressibleByArgument, CaseIterable, Sendable {
    case ping
    case hello
    case resolve

    /// Bytes of a PING: a random number, which the echo has to repeat.
    static let pingBytes = 8

    var application: UInt16 {
        switch self {
        case .ping, .hello: Application.control
        case .resolve: Application.index
        }
    }

    var method: Method {
        switch self {
        case .ping: .ping
        case .hello: .hello
        case .resolve: .resolve
        }
    }

    /// Flags of an answer with status 200; the HELLO reply is a bare RESP.
    var answerFlags: FrameFlags {
        switch self {
        case .hello: .response
        case .ping, .resolve: [.response, .end]
        }
    }

    /// Bytes of the largest request.
    func requestBytesMax(_ keys: KeySet) -> Int {
        switch self {
        case .ping: FrameHeader.byteCount + Self.pingBytes
        case .hello: FrameHeader.byteCount
        case .resolve: FrameHeader.byteCount + keys.longestBytes
        }
    }
}
