internal import OAP
internal import Reactor

/// The payload of a PING: a random number in eight bytes, over and over. Its echo shows that no answers were mixed up
/// and no byte was lost.
enum PingPayload {
    @inline(__always)
    static func append(_ number: UInt64, bytes: Int, to requests: inout Block) {
        for place in 0..<bytes { requests.append(Self.byte(number, place)) }
    }

    @inline(__always)
    static func isEcho(_ payload: Span<UInt8>, of number: UInt64, bytes: Int) -> Bool {
        guard payload.count == bytes else { return false }
        for place in 0..<bytes where payload[place] != Self.byte(number, place) { return false }
        return true
    }

    @inline(__always)
    private static func byte(_ number: UInt64, _ place: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: number >> UInt64(8 * (place & 7)))
    }
}

/// The payloads of resolve many: a JSON array of keys, and one of records and nulls in the same order.
enum RecordList {
    /// Of a list without elements.
    static let fingerprintOfNone: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Of a key that is not there.
    static let fingerprintOfAbsent: UInt64 = 0

    /// Of a list with one more element.
    @inline(__always)
    static func fingerprint(_ list: UInt64, _ element: UInt64) -> UInt64 {
        (list ^ element) &* 0x9E37_79B9_7F4A_7C15 ^ list >> 29
    }

    /// The key in quotation marks. Keys have no control characters, so that only two bytes need an escape.
    static func append(_ key: Span<UInt8>, to requests: inout Block) {
        requests.append(UInt8(ascii: "\""))
        for index in key.indices {
            let byte = key[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { requests.append(UInt8(ascii: "\\")) }
            requests.append(byte)
        }
        requests.append(UInt8(ascii: "\""))
    }

    /// Of an answer, by the keys of its records in their order; nil when it is no list of records and nulls.
    static func fingerprint(of payload: Span<UInt8>) -> UInt64? {
        (try? Self.parse(payload)) ?? nil
    }

    private static func parse(_ payload: Span<UInt8>) throws(JSONError) -> UInt64? {
        var list = Self.fingerprintOfNone
        var reader = try JSONReader(payload)
        try reader.beginArray()
        while try reader.nextElement() {
            guard try reader.nextKind() == .object else {
                try reader.readNull()
                list = Self.fingerprint(list, Self.fingerprintOfAbsent)
                continue
            }
            var key: UInt64? = nil
            try reader.beginObject()
            while let name = try reader.nextMember() {
                if reader.matches(name, "key"), try reader.nextKind() == .string {
                    key = KeyFingerprint.of(escaped: payload.extracting(try reader.readString().rawBytes))
                } else {
                    try reader.skipValue()
                }
            }
            guard let key else { return nil }
            list = Self.fingerprint(list, key)
        }
        try reader.end()
        return list
    }
}
