internal import CIngress

/// A numeric IPv4 or IPv6 address with its port.
public struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
    /// Numeric text, without brackets.
    public let host: String
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:9444`, `[::1]:9444`.
    public var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    func kernelForm() throws(SystemError) -> ingress_address {
        var address = ingress_address()
        let host = self.host == "localhost" ? "127.0.0.1" : self.host
        let result = unsafe ingress_address_parse(host, self.port, &address)
        _ = try SystemError.check(result, "inet_pton", "\(self.host) is not a numeric address")
        return address
    }

    /// Who is at the other end; nil when the socket is not connected any more.
    public init?(peerOf descriptor: Int32) {
        var address = ingress_address()
        guard unsafe ingress_peer_address(descriptor, &address) >= 0 else { return nil }
        self.init(address)
    }

    init(_ address: ingress_address) {
        var copy = address
        var text = [CChar](repeating: 0, count: 64)
        let length = unsafe ingress_address_host(&copy, &text, UInt32(text.count))
        let bytes = text.prefix(Int(max(0, length))).map { UInt8(bitPattern: $0) }
        self.init(host: String(decoding: bytes, as: UTF8.self), port: address.port)
    }
}
