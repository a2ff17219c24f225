import FlyingSocks
import Foundation

/// The listening socket, and what the errno values around it mean.
enum AdminListener {
    enum AcceptFailure {
        /// That client is gone; the next may be there.
        case peerGone
        /// Out of descriptors or memory: try again in a while.
        case exhausted
        /// Own bug: the listener is none.
        case fatal
    }

    static func listen(host: String, port: UInt16, address: String) throws(AdminServerError) -> Socket {
        do {
            if host.contains(":") {
                return try self.listen(on: self.address6(host, port))
            } else {
                return try self.listen(on: self.address4(host, port))
            }
        } catch let error as AdminServerError {
            throw error
        } catch SocketError.failed(let call, let errno, let message) {
            switch errno {
            case EADDRINUSE: throw .addressInUse(address)
            case EADDRNOTAVAIL: throw .addressNotAvailable(address)
            case EACCES: throw .permissionDenied(address)
            default: throw .system(address: address, call: call.lowercased(), errno: errno, message: message)
            }
        } catch {
            throw .system(address: address, call: "listen", errno: 0, message: "\(error)")
        }
    }

    static func port(of socket: Socket) -> UInt16? {
        switch try? socket.sockname() {
        case .ip4(_, let port), .ip6(_, let port): port
        case .unix, nil: nil
        }
    }

    static func meaning(ofAcceptErrno errno: Int32) -> AcceptFailure {
        switch errno {
        case EBADF, EFAULT, EINVAL, ENOTSOCK: .fatal
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: .exhausted
        // ECONNABORTED, EINTR, EPERM (firewall), and network errors that Linux hands to accept.
        default: .peerGone
        }
    }

    /// Children of the process must not keep the port or a client's connection open.
    static func closeOnExec(_ socket: Socket) {
        _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC)
    }

    /// Says no without waiting: what does not fit the socket's buffer at once is not sent.
    static func refuse(_ socket: Socket) {
        // Read first: closing with unread bytes resets the connection.
        _ = try? socket.read(atMost: 4096)
        _ = try? socket.write(AdminResponse.overloaded)
        try? socket.close()
    }

    private static func listen(on address: some SocketAddress) throws -> Socket {
        let socket = try Socket(domain: Int32(address.family), type: .stream)
        do {
            self.closeOnExec(socket)
            // A restart must not wait for the old connections' TIME_WAIT. Two listeners still exclude each other.
            try socket.setValue(true, for: .localAddressReuse)
            try socket.bind(to: address)
        } catch {
            try? socket.close()
            throw error
        }
        try socket.listen()
        return socket
    }

    private static func address4(_ host: String, _ port: UInt16) throws -> sockaddr_in {
        guard let address = try? sockaddr_in.inet(ip4: host, port: port) else { throw AdminServerError.badHost(host) }
        return address
    }

    private static func address6(_ host: String, _ port: UInt16) throws -> sockaddr_in6 {
        guard let address = try? sockaddr_in6.inet6(ip6: host, port: port) else { throw AdminServerError.badHost(host) }
        return address
    }
}
