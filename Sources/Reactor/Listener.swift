internal import CIngress

/// A bound, listening TCP socket. Closing it is the owner's last act, after its accept has ended.
public struct Listener: ~Copyable {
    public let descriptor: Int32
    /// As bound: the port is the kernel's choice when 0 was asked for.
    public let address: SocketAddress

    /// - Parameters:
    ///   - shared: several listeners of this process share the port (SO_REUSEPORT), one per worker.
    ///   - backlog: connections that wait for an accept; the kernel caps it at net.core.somaxconn.
    ///   - keepAlive: what accepted connections inherit.
    public init(
        _ address: SocketAddress, shared: Bool, backlog: Int, keepAlive: KeepAlive = KeepAlive()
    ) throws(SystemError) {
        var form = try address.kernelForm()
        let result = unsafe ingress_listen(&form, shared, Int32(backlog), keepAlive.kernelForm)
        let descriptor = try SystemError.check(result, "bind", address.description)
        var bound = ingress_address()
        _ = unsafe ingress_local_address(descriptor, &bound)
        self.descriptor = descriptor
        self.address = SocketAddress(bound)
    }

    /// Takes a descriptor over that `intoDescriptor` gave away.
    public init(adopting descriptor: Int32, address: SocketAddress) {
        self.descriptor = descriptor
        self.address = address
    }

    /// Fails with EADDRINUSE when anybody listens there: SO_REUSEPORT would let a second gateway of the same user
    /// share the port in silence.
    public static func probeUnused(_ address: SocketAddress) throws(SystemError) {
        guard address.port != 0 else { return }
        let probe = try Listener(address, shared: false, backlog: 0)
        probe.close()
    }

    /// A connection that waits in the queue of a listener whose accept has ended; nil when none does.
    public static func acceptPending(_ descriptor: Int32, nonBlocking: Bool) -> Int32? {
        let accepted = ingress_accept(descriptor)
        guard accepted >= 0 else { return nil }
        if !nonBlocking { _ = ingress_set_nonblocking(accepted, false) }
        return accepted
    }

    /// Hands the descriptor to whoever closes it.
    public consuming func intoDescriptor() -> Int32 { self.descriptor }

    public consuming func close() { _ = ingress_close(self.descriptor) }
}
