internal import CIngress
internal import Glibc

/// The address of a server as people give it to a client: `host:port`, `[v6]:port`, or a bare port, which is on
/// loopback. Other than a listener's address the host may be a name, which the system's resolver looks up.
public enum ServerAddress {
    /// What was wrong with the text.
    public enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case portMissing
        case invalidPort
        case hostMissing
        case bracketsMissing
        /// The resolver's own sentence.
        case unknownHost(String, reason: String)

        public var description: String {
            switch self {
            case .portMissing: "it has no port; write HOST:PORT, [IPV6]:PORT or, for loopback, PORT"
            case .invalidPort: "its port is not a number from 1 to 65535"
            case .hostMissing: "it has no host before the colon (a port on loopback is written without the colon)"
            case .bracketsMissing: "an IPv6 host needs brackets, like [::1]:9444"
            case .unknownHost(let host, let reason): "the host \"\(host)\" cannot be looked up: \(reason)"
            }
        }
    }

    /// Reads one of the forms. Blocks while a name is looked up; numeric hosts and `localhost` (127.0.0.1) need no
    /// lookup.
    public static func parse(_ text: String) throws(Fault) -> SocketAddress {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            guard text.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { throw .portMissing }
            return SocketAddress(host: "127.0.0.1", port: try Self.port(text[...]))
        }
        var host = text[..<colon]
        if host.first == "[" {
            guard host.last == "]" else { throw .portMissing }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .bracketsMissing
        }
        guard !host.isEmpty else { throw .hostMissing }
        let port = try Self.port(text[text.utf8.index(after: colon)...])
        return SocketAddress(host: try Self.numericHost(String(host)), port: port)
    }

    private static func port(_ text: Substring) throws(Fault) -> UInt16 {
        guard !text.isEmpty else { throw .portMissing }
        guard text.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }), let port = UInt16(text), port > 0 else {
            throw .invalidPort
        }
        return port
    }

    private static func numericHost(_ host: String) throws(Fault) -> String {
        if host == "localhost" { return "127.0.0.1" }
        var numeric = ingress_address()
        if unsafe ingress_address_parse(host, 0, &numeric) >= 0 { return host }
        return try Self.lookUp(host)
    }

    private static func lookUp(_ host: String) throws(Fault) -> String {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>? = nil
        let result = unsafe getaddrinfo(host, nil, &hints, &list)
        guard result == 0, let first = unsafe list else {
            throw .unknownHost(host, reason: unsafe String(cString: gai_strerror(result)))
        }
        defer { unsafe freeaddrinfo(first) }
        // The longest numeric form with a zone: 46 bytes of address, a percent sign and an interface's name.
        var text = [CChar](repeating: 0, count: 128)
        let named = unsafe getnameinfo(
            first.pointee.ai_addr, first.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard named == 0 else { throw .unknownHost(host, reason: unsafe String(cString: gai_strerror(named))) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
