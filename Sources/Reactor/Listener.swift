internal import CIngress
internal import Glibc

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

    /// Listens on a Unix socket, whose file whoever may use it has to find with the permissions `mode`. One that was left behind is
    /// replaced; EADDRINUSE when somebody listens there, EEXIST when something else stands under the path.
    ///
    /// - Parameter count: descriptors of the one socket, one for each worker.
    public static func unix(
        path: String, backlog: Int, mode: UInt32 = 0o660, count: Int
    ) throws(SystemError) -> [Int32] {
        let subject = EndpointAddress.unix(path: path).description
        let result = unsafe ingress_listen_unix(path, Int32(backlog), mode)
        var descriptors = [try SystemError.check(result, "bind", subject)]
        while descriptors.count < count {
            let copy = fcntl(descriptors[0], F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else {
                let code = errno
                for descriptor in descriptors { _ = ingress_close(descriptor) }
                throw SystemError(call: "fcntl", code: code, subject: subject)
            }
            descriptors.append(copy)
        }
        return descriptors
    }

    /// Removes the file of a Unix socket whose listener is closed.
    public static func removeUnix(path: String) { _ = unsafe unlink(path) }

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
