internal import OAP
internal import Reactor

/// Why a connection ended before the load did.
enum ConnectionLoss: Hashable, Sendable {
    /// The gateway closed it.
    case ended
    /// The gateway closed one that carried nothing.
    case idleEnded
    /// errno of the send or receive that failed.
    case failed(Int32)
    /// errno of a connect in mid-run.
    case connect(Int32)
    /// A header that breaks a rule: what follows it cannot be read.
    case malformed(ErrorCode)
    /// The generator's own buffers are spent.
    case memory

    var sentence: String {
        switch self {
        case .ended: "closed by the gateway"
        case .idleEnded: "idle and closed by the gateway"
        case .failed(let code): SystemError.name(of: code)
        case .connect(let code): "connect \(SystemError.name(of: code))"
        case .malformed(let code): "a frame with a malformed header (\(code.name))"
        case .memory: "no memory for a frame"
        }
    }
}
