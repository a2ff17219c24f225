internal import CIngress

extension UInt128 {
    /// The address at the other end of a connection, as `Kernel.peerAddress` says.
    init?(peerOf descriptor: Int32) {
        var address = ingress_address()
        guard unsafe ingress_peer_address(descriptor, &address) >= 0 else { return nil }
        self.init(address)
    }

    init(_ address: ingress_address) {
        let number = unsafe withUnsafeBytes(of: address.bytes) { bytes in
            unsafe UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self))
        }
        // Four bytes and twelve unused ones: they belong behind ::ffff.
        self = address.family == 4 ? 0xFFFF << 32 | number >> 96 : number
    }
}
