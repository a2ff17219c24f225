public import Reactor

/// Why a run could not be made.
public enum LoadFailure: Error, CustomStringConvertible {
    /// The plan makes no sense; the sentence says which part.
    case plan(String)
    case descriptors(needed: Int, limit: Int)
    case connect(SystemError, opened: Int, wanted: Int)
    case system(SystemError)

    public var description: String {
        switch self {
        case .plan(let sentence): sentence
        case .descriptors(let needed, let limit):
            "the connections need \(needed) descriptors and the limit is \(limit); raise it (ulimit -n) or use fewer"
        case .connect(let error, let opened, let wanted):
            "cannot connect to \(error.subject): \(error.call) \(error.name)"
                + (opened > 0 ? " after \(opened) of \(wanted) connections" : "") + "; " + Self.remedy(error)
        case .system(let error): "the load cannot run: \(error)"
        }
    }

    private static func remedy(_ error: SystemError) -> String {
        switch error.name {
        case "ECONNREFUSED": "start the gateway there (svc-gateway, or make run), or name its address with --server"
        case "ETIMEDOUT": "check the address and what filters it, or wait longer with --timeout"
        case "EADDRNOTAVAIL": "the source ports are used up; use fewer connections, or wait until old ones have ended"
        case "EMFILE", "ENFILE": "raise the limit of descriptors (ulimit -n) or use fewer connections"
        default: "check the address after --server"
        }
    }
}
