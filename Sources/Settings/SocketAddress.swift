/// A numeric host and a TCP port: where to listen.
///
/// Host names are not looked up, `localhost` (always 127.0.0.1) excepted: what a gateway listens on must not depend on
/// a name server. Text forms: `127.0.0.1:9444`, `[::1]:9444`, `localhost:9444`, and a bare port, which is on loopback.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    public enum Host: Sendable, Hashable {
        /// The address as a number: 127.0.0.1 is `0x7F00_0001`.
        case ipv4(UInt32)
        /// The address as a number: ::1 is 1.
        case ipv6(UInt128)
    }

    public var host: Host

    /// 0 leaves the choice to the kernel.
    public var port: UInt16

    public init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// 127.0.0.1 with the port.
    public init(loopbackPort port: UInt16) {
        self.init(host: .ipv4(0x7F00_0001), port: port)
    }

    /// Reads one of the text forms.
    public init(parsing text: String) throws(SocketAddressFault) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else {
            guard bytes.allSatisfy({ $0.isDigit }) else { throw .portMissing }
            self.init(loopbackPort: try Self.port(bytes[...]))
            return
        }
        let host = bytes[..<colon]
        if host.first == UInt8(ascii: "[") {
            guard host.last == UInt8(ascii: "]") else { throw host.contains(UInt8(ascii: "]")) ? .host : .portMissing }
            let inner = host.dropFirst().dropLast()
            guard !inner.contains(UInt8(ascii: "%")) else { throw .zone }
            guard let number = IPv6Text.parse(inner) else { throw .host }
            self.init(host: .ipv6(number), port: try Self.port(bytes[(colon + 1)...]))
            return
        }
        guard !host.contains(UInt8(ascii: ":")) else { throw .bracketsMissing }
        let port = try Self.port(bytes[(colon + 1)...])
        if host.elementsEqual("localhost".utf8) {
            self.init(loopbackPort: port)
        } else if let number = IPv4Text.parse(host) {
            self.init(host: .ipv4(number), port: port)
        } else if host.isEmpty {
            throw .hostMissing
        } else if host.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ".") }) {
            throw .host
        } else {
            throw .hostName
        }
    }

    /// The text form that `init(parsing:)` reads back: always with a host.
    public var description: String {
        switch self.host {
        case .ipv4(let number): "\(IPv4Text.render(number)):\(self.port)"
        case .ipv6(let number): "[\(IPv6Text.render(number))]:\(self.port)"
        }
    }

    /// True when a socket bound to one would take the other's connections: same port, and same host or a wildcard.
    /// Port 0 never collides.
    public func collides(with other: SocketAddress) -> Bool {
        guard self.port != 0, self.port == other.port else { return false }
        return self.host == other.host || self.isWildcard || other.isWildcard
    }

    /// True for 0.0.0.0 and ::.
    public var isWildcard: Bool {
        switch self.host {
        case .ipv4(let number): number == 0
        case .ipv6(let number): number == 0
        }
    }

    private static func port(_ digits: ArraySlice<UInt8>) throws(SocketAddressFault) -> UInt16 {
        guard !digits.isEmpty else { throw .portMissing }
        guard digits.count <= 5, let number = digits.decimal, let port = UInt16(exactly: number) else { throw .port }
        return port
    }
}

/// Why a text is no `SocketAddress`.
public enum SocketAddressFault: Error, Sendable, Equatable, CustomStringConvertible {
    case host
    case hostMissing
    case hostName
    case bracketsMissing
    case zone
    case port
    case portMissing

    public var description: String {
        switch self {
        case .host: "its host is not an IP address"
        case .hostMissing: "it has no host before the colon (a port on loopback is written without the colon)"
        case .hostName: "host names are not looked up, give an IP address"
        case .bracketsMissing: "an IPv6 host needs brackets, like [::1]:9444"
        case .zone: "IPv6 zones (the part after %) are not supported"
        case .port: "its port is not a number from 0 to 65535"
        case .portMissing: "it has no port"
        }
    }
}
