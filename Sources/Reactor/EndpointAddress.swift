/// Where a service of another process listens.
public enum EndpointAddress: Equatable, Sendable, CustomStringConvertible {
    case tcp(SocketAddress)
    /// A stream socket of this machine, by its path: at most 107 bytes.
    case unix(path: String)

    /// `tcp:127.0.0.1:9444`, `unix:/run/ron/svc-index.sock`.
    public var description: String {
        switch self {
        case .tcp(let address): "tcp:\(address)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
