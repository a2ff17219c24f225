internal import OAP

/// Requests as bytes, for what decodes them.
enum Frames {
    static let tenant: UInt128 = 7

    /// `count` pings with a payload of 20 bytes, back to back: 58 bytes each, as in the comparisons with other servers.
    static func pings(_ count: Int) -> [UInt8] {
        self.requests(count, application: Application.control, code: Method.ping.code) { _ in
            [UInt8](repeating: 0x70, count: 20)
        }
    }

    /// `count` resolves of the given keys in turn, back to back.
    static func resolves(_ keys: [[UInt8]]) -> [UInt8] {
        self.requests(keys.count, application: Application.index, code: Method.resolve.code) { keys[$0] }
    }

    private static func requests(
        _ count: Int, application: UInt16, code: UInt16, payload: (Int) -> [UInt8]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in 0..<count {
            let content = payload(number)
            let header = FrameHeader(
                flags: .request, code: code, application: application, tenant: self.tenant, correlation: UInt64(number),
                payloadBytes: content.count)
            var head = [UInt8](repeating: 0, count: FrameHeader.byteCount)
            var span = head.mutableSpan
            header.encode(into: &span)
            bytes += head + content
        }
        return bytes
    }
}
