import FlyingSocks

/// Where a server of this room listens.
enum AdminEndpoint: Sendable {
    /// - Parameters:
    ///   - host: an IPv4 or IPv6 address, without brackets.
    ///   - port: 0 lets the system choose.
    case tcp(host: String, port: UInt16)
    case unix(ControlSocketFile)

    func listen() throws(AdminServerError) -> Socket {
        switch self {
        case .tcp(let host, let port):
            return try AdminListener.listen(host: host, port: port, address: self.address(boundPort: nil))
        case .unix(let file):
            do throws(ControlSocketError) { return try file.listen() } catch { throw .controlSocket(error) }
        }
    }

    /// As people write it.
    ///
    /// - Parameter boundPort: the port that the system chose, where it did.
    func address(boundPort: UInt16?) -> String {
        switch self {
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(boundPort ?? port)"
        case .unix(let file): file.path
        }
    }
}
