public import Reactor
internal import Synchronization

/// When a kernel fails, as a test decides. Any thread.
public final class KernelFault: Sendable {
    public static let error = SystemError(call: "epoll_wait", code: 9)

    private let isDue = Atomic<Bool>(false)

    public init() {}

    /// The next turn that begins fails with `error`.
    public func fail() { self.isDue.store(true, ordering: .releasing) }

    /// For `HookedKernel`.
    @Sendable public func hook(_ timeoutNanoseconds: UInt64?) throws(SystemError) -> UInt64? {
        guard !self.isDue.load(ordering: .acquiring) else { throw Self.error }
        return timeoutNanoseconds
    }
}
