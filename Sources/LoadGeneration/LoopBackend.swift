public import Reactor

/// Which kernel interface carries the load.
public enum LoopBackend: String, Sendable {
    case uring = "io_uring"
    case epoll

    /// As in `--io`.
    public enum Wish: String, CaseIterable, Sendable {
        case automatic = "auto"
        case uring = "io_uring"
        case epoll
    }

    /// Opens a small ring and closes it again, unless epoll is wished for.
    ///
    /// - Returns: the backend, and for a fallback the reason.
    public static func probe(_ wish: Wish) throws(SystemError) -> (backend: LoopBackend, fallback: SystemError?) {
        guard wish != .epoll else { return (.epoll, nil) }
        do throws(SystemError) {
            _ = try UringKernel.probe()
            return (.uring, nil)
        } catch {
            guard wish == .automatic else { throw error }
            return (.epoll, error)
        }
    }
}
