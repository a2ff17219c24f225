internal import CIngress

/// One descriptor that is held for the day when the process has no other left.
///
/// An accept needs a free descriptor even to refuse: without one, connections wait in the listener's queue, neither
/// served nor told, until their clients give up. Given up for a moment, the reserve is what they are accepted with, one
/// after the other, and reset. One thread.
public struct DescriptorReserve: ~Copyable {
    /// -1 exactly while somebody else has what was given up.
    private var descriptor: Int32

    public init() { self.descriptor = max(-1, ingress_eventfd()) }

    deinit {
        if self.descriptor >= 0 { _ = ingress_close(self.descriptor) }
    }

    /// True unless another thread was faster when the reserve was last given up.
    public var isHeld: Bool { self.descriptor >= 0 }

    /// Resets connections that wait in the queue of `listener`, whose accept has ended for want of descriptors.
    ///
    /// - Parameter max: leaves the others for a later call, so that a flood does not hold the caller up.
    /// - Returns: how many were reset; fewer than `max` when nobody waits any more, or when another thread has taken
    ///   what the reserve gave up.
    public mutating func refuseWaiting(_ listener: Int32, max: Int) -> Int {
        if self.descriptor >= 0 { _ = ingress_close(self.descriptor) }
        defer { self.descriptor = Swift.max(-1, ingress_eventfd()) }
        var refused = 0
        while refused < max {
            let accepted = ingress_accept(listener)
            guard accepted >= 0 else { break }
            _ = ingress_close_reset(accepted)
            refused += 1
        }
        return refused
    }
}
