internal import OAP

/// What a backend announces in its answer to HELLO, as far as it matters here.
struct HelloReply: Equatable {
    /// Requests that it lets one connection have open.
    var inflightMax: Int
    /// Its largest frame in bytes.
    var frameBytesMax: Int

    /// Nil when the payload is no JSON object with `max_frame` and `max_inflight`, both whole numbers from 1 on.
    /// Other members may be anything.
    init?(_ payload: Span<UInt8>) {
        guard let numbers = try? Self.numbers(payload), let frame = numbers.frame, let inflight = numbers.inflight
        else {
            return nil
        }
        self.inflightMax = inflight
        self.frameBytesMax = frame
    }

    private static func numbers(_ payload: Span<UInt8>) throws(JSONError) -> (frame: Int?, inflight: Int?) {
        var reader = try JSONReader(payload, bytesMax: 4096)
        var (frame, inflight): (Int?, Int?) = (nil, nil)
        try reader.beginObject()
        while let name = try reader.nextMember() {
            if reader.matches(name, "max_frame") {
                frame = Self.count(try reader.readNumber())
            } else if reader.matches(name, "max_inflight") {
                inflight = Self.count(try reader.readNumber())
            } else {
                try reader.skipValue()
            }
        }
        try reader.end()
        return (frame, inflight)
    }

    /// Nil unless it is a whole number from 1 to 2^31 - 1.
    private static func count(_ value: Double) -> Int? {
        guard value >= 1, value < 2_147_483_648 else { return nil }
        let whole = Int(value)
        return Double(whole) == value ? whole : nil
    }
}
