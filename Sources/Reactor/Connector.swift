internal import CIngress

/// Client connections for an event loop.
public enum Connector {
    /// A connected TCP socket without Nagle's delay. The caller owns the descriptor and closes it through its kernel.
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: how long the handshake may take; ETIMEDOUT afterwards.
    ///   - nonBlocking: what `EpollKernel` needs; `UringKernel` waits for blocking sockets by itself.
    public static func connect(
        to address: SocketAddress, timeoutMilliseconds: Int, nonBlocking: Bool
    ) throws(SystemError) -> Int32 {
        var form = try address.kernelForm()
        let result = unsafe ingress_connect(&form, nil, Int32(clamping: timeoutMilliseconds))
        let descriptor = try SystemError.check(result, "connect", address.description)
        guard nonBlocking else { return descriptor }
        let changed = ingress_set_nonblocking(descriptor, true)
        if changed < 0 { _ = ingress_close(descriptor) }
        _ = try SystemError.check(changed, "fcntl", address.description)
        return descriptor
    }

    /// Closes a connection that no kernel has.
    public static func close(_ descriptor: Int32) { _ = ingress_close(descriptor) }

    /// Begins a connection and does not wait for it: what is sent meanwhile leaves when it is established, and what
    /// prevents it is the result of the first send or receive.
    ///
    /// - Parameter nonBlocking: as for `connect`.
    public static func begin(to address: SocketAddress, nonBlocking: Bool) throws(SystemError) -> Int32 {
        var form = try address.kernelForm()
        let result = unsafe ingress_connect_begin(&form, !nonBlocking)
        return try SystemError.check(result, "connect", address.description)
    }

    /// As above. A Unix socket is connected at once, or fails at once: with EAGAIN when its queue is full.
    public static func begin(to endpoint: EndpointAddress, nonBlocking: Bool) throws(SystemError) -> Int32 {
        switch endpoint {
        case .tcp(let address): return try self.begin(to: address, nonBlocking: nonBlocking)
        case .unix(let path):
            let result = unsafe ingress_connect_unix(path, !nonBlocking)
            return try SystemError.check(result, "connect", endpoint.description)
        }
    }
}
