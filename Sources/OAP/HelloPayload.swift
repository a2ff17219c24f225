/// The payload of HELLO: nothing, or `{"ua": "name/version"}`.
public enum HelloPayload {
    /// Longest user agent in bytes of UTF-8.
    public static let userAgentBytesMax = 256
    /// Containers within each other; members that the gateway does not know may nest this deep and are ignored.
    public static let depthMax = 16

    /// True exactly when the payload is empty or a JSON object whose `ua` is absent, null or a string of at most
    /// `userAgentBytesMax` bytes. Other members may be anything; a second `ua` is refused.
    public static func isValid(_ payload: Span<UInt8>) -> Bool {
        if payload.isEmpty { return true }
        return (try? Self.hasValidUserAgent(payload)) ?? false
    }

    private static func hasValidUserAgent(_ payload: Span<UInt8>) throws(JSONError) -> Bool {
        var reader = try JSONReader(payload, depthMax: Self.depthMax)
        var userAgentSeen = false
        try reader.beginObject()
        while let name = try reader.nextMember() {
            guard reader.matches(name, "ua") else {
                try reader.skipValue()
                continue
            }
            if userAgentSeen { return false }
            userAgentSeen = true
            if try reader.nextKind() == .null {
                try reader.readNull()
            } else if try reader.readString().valueBytes > Self.userAgentBytesMax {
                return false
            }
        }
        try reader.end()
        return true
    }
}
