internal import CIngress

/// Ends another thread's sleep in `Kernel.wait`. Any thread may call `wake`.
public final class Waker: Sendable {
    let descriptor: Int32

    public init() throws(SystemError) {
        self.descriptor = try SystemError.check(ingress_eventfd(), "eventfd")
    }

    deinit { _ = ingress_close(self.descriptor) }

    /// Never blocks: the counter saturates, and one wake is as good as many.
    public func wake() { _ = ingress_eventfd_signal(self.descriptor) }

    /// Blocks the calling thread until somebody has called `wake`, for threads that have no kernel.
    public func waitForWake(timeoutMilliseconds: Int) {
        _ = ingress_poll(self.descriptor, false, Int32(timeoutMilliseconds))
        self.drain()
    }

    func drain() { _ = ingress_eventfd_drain(self.descriptor) }
}
