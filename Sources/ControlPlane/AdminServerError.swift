/// Why the admin server cannot serve. Each description is a sentence for the operator.
public enum AdminServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The host is neither an IPv4 nor an IPv6 address.
    case badHost(String)
    /// EADDRINUSE.
    case addressInUse(String)
    /// EADDRNOTAVAIL: no interface of this machine has the address.
    case addressNotAvailable(String)
    /// EACCES: a port below 1024 without the privilege.
    case permissionDenied(String)
    /// Any other failing call, with its errno.
    case system(address: String, call: String, errno: Int32, message: String)
    /// There can be no control socket.
    case controlSocket(ControlSocketError)
    /// `run` without a successful `bind`, or a second `run`.
    case notBound

    public var description: String {
        switch self {
        case .badHost(let host):
            "admin address: \"\(host)\" is neither an IPv4 nor an IPv6 address; set metrics_addr (--metrics-addr) to "
                + "an address and a port, for instance 127.0.0.1:9909 or [::1]:9909"
        case .addressInUse(let address):
            "admin address \(address) is already in use, perhaps by another gateway; stop that process "
                + "(ss -ltnp shows it) or set metrics_addr (--metrics-addr) to a free port"
        case .addressNotAvailable(let address):
            "admin address \(address) belongs to no interface of this machine; set metrics_addr (--metrics-addr) to a "
                + "local address, for instance 127.0.0.1:9909"
        case .permissionDenied(let address):
            "admin address \(address) may not be bound by this user; set metrics_addr (--metrics-addr) to a port of "
                + "1024 or above"
        case .system(let address, let call, let errno, let message):
            "admin address \(address): \(call) failed with \(message) (errno \(errno))"
        case .controlSocket(let error): error.description
        case .notBound:
            "admin server: run needs one successful bind before it and runs only once"
        }
    }
}
