public import Reactor

/// Which backend serves, and why: for the banner, `/version` and `/metrics`.
public struct Backend: Equatable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case uring = "io_uring"
        case epoll
    }

    public enum Wish: Sendable {
        case automatic
        case only(Kind)
    }

    public let kind: Kind
    /// One sentence; for a fallback also how to enable what is missing.
    public let reason: String
    /// Optional features of the backend in use.
    public let features: [String]

    /// Opens a small kernel of the wished kind, and closes it again. `automatic` falls back to epoll.
    public static func probe(
        _ wish: Wish, uringFeatures: UringKernel.Features = .all
    ) throws(BackendUnavailable) -> Backend {
        switch wish {
        case .only(.epoll):
            return Backend(kind: .epoll, reason: "asked for", features: [])
        case .only(.uring):
            return Backend(kind: .uring, reason: "asked for", features: try self.probeUring(uringFeatures))
        case .automatic:
            do throws(BackendUnavailable) {
                let features = try self.probeUring(uringFeatures)
                return Backend(kind: .uring, reason: "the kernel has it", features: features)
            } catch {
                return Backend(kind: .epoll, reason: error.description, features: [])
            }
        }
    }

    private static func probeUring(_ features: UringKernel.Features) throws(BackendUnavailable) -> [String] {
        do throws(SystemError) { return try UringKernel.probe(features) } catch {
            throw BackendUnavailable(cause: error)
        }
    }
}

/// io_uring cannot be used: what was refused, and what to do.
public struct BackendUnavailable: Error, Equatable, Sendable, CustomStringConvertible {
    public let cause: SystemError

    public var description: String {
        "io_uring is not available: \(self.cause); \(self.remedy)"
    }

    private var remedy: String {
        switch self.cause.name {
        case "EPERM", "EACCES":
            "to enable it set the sysctl kernel.io_uring_disabled=0, or allow io_uring_setup in the container's seccomp profile"
        case "ENOSYS", "EINVAL":
            "to enable it run Linux 5.19 or newer, or allow io_uring_setup in the container's seccomp profile"
        case "ENOMEM":
            "to enable it raise the limit of locked memory (ulimit -l)"
        default:
            "to enable it see io_uring_setup(2)"
        }
    }
}
