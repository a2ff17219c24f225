/// One frame as bytes, written and read by hand from the protocol page's table, so that a mistake in the codec cannot
/// hide behind the same mistake in a test. Any field may be wrong on purpose.
public struct WireFrame: Equatable, Sendable {
    /// What `len` says; nil writes the true length.
    public var announcedLength: UInt32? = nil
    public var version: UInt16 = 1
    public var flags: UInt16 = 1
    public var code: UInt16 = 0
    public var application: UInt16 = 0x0101
    public var tenant: UInt128 = 0
    /// What `cap_len` says; nil writes the true length.
    public var announcedCapability: UInt16? = nil
    public var correlation: UInt64 = 0
    public var capability: [UInt8] = []
    public var payload: [UInt8] = []

    public static let headerBytes = 38

    public init() {}

    public var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Self.headerBytes + self.capability.count + self.payload.count)
        let length = UInt32(Self.headerBytes + self.capability.count + self.payload.count)
        out.append(bigEndian: self.announcedLength ?? length)
        out.append(bigEndian: self.version)
        out.append(bigEndian: self.flags)
        out.append(bigEndian: self.code)
        out.append(bigEndian: self.application)
        out.append(bigEndian: self.tenant)
        out.append(bigEndian: self.announcedCapability ?? UInt16(self.capability.count))
        out.append(bigEndian: self.correlation)
        return out + self.capability + self.payload
    }

    public var text: String { String(decoding: self.payload, as: UTF8.self) }

    /// Reads the frame at the start of `bytes`; nil until it is whole. Checks nothing but the lengths.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerBytes else { return nil }
        let length = Int(UInt32(bigEndian: bytes, at: 0))
        let capabilityBytes = Int(UInt16(bigEndian: bytes, at: 28))
        guard length >= Self.headerBytes + capabilityBytes, bytes.count >= length else { return nil }
        self.version = UInt16(bigEndian: bytes, at: 4)
        self.flags = UInt16(bigEndian: bytes, at: 6)
        self.code = UInt16(bigEndian: bytes, at: 8)
        self.application = UInt16(bigEndian: bytes, at: 10)
        self.tenant = UInt128(bigEndian: bytes, at: 12)
        self.correlation = UInt64(bigEndian: bytes, at: 30)
        let payloadStart = Self.headerBytes + capabilityBytes
        self.capability = Array(bytes[Self.headerBytes..<payloadStart])
        self.payload = Array(bytes[payloadStart..<length])
    }

    /// Bytes of the whole frame.
    public var byteCount: Int { Self.headerBytes + self.capability.count + self.payload.count }
}

/// Requests as clients send them.
extension WireFrame {
    public enum Flag {
        public static let request: UInt16 = 0x01
        public static let response: UInt16 = 0x02
        public static let event: UInt16 = 0x04
        public static let start: UInt16 = 0x08
        public static let end: UInt16 = 0x10
        public static let acknowledgement: UInt16 = 0x20
        public static let compressed: UInt16 = 0x40
        public static let endToEnd: UInt16 = 0x80
    }

    /// A request with its payload.
    public static func request(
        application: UInt16 = 0x0101, code: UInt16 = 0, _ payload: some Sequence<UInt8>, correlation: UInt64,
        tenant: UInt128 = 0, flags: UInt16 = Flag.request
    ) -> WireFrame {
        var frame = WireFrame()
        frame.application = application
        frame.code = code
        frame.payload = Array(payload)
        frame.correlation = correlation
        frame.tenant = tenant
        frame.flags = flags
        return frame
    }

    public static func hello(_ payload: String = "", correlation: UInt64 = 1) -> WireFrame {
        .request(application: 0, code: 0, payload.utf8, correlation: correlation)
    }

    public static func ping(_ payload: String = "", correlation: UInt64 = 1) -> WireFrame {
        .request(application: 0, code: 1, payload.utf8, correlation: correlation)
    }

    public static func resolve(_ key: String, correlation: UInt64 = 1, tenant: UInt128 = 0) -> WireFrame {
        .request(code: 0, key.utf8, correlation: correlation, tenant: tenant)
    }

    /// Resolve many, its payload given as JSON text.
    public static func resolveMany(json: String, correlation: UInt64 = 1) -> WireFrame {
        .request(code: 1, json.utf8, correlation: correlation)
    }
}

extension [UInt8] {
    /// Appends the bytes of `value`, most significant first.
    public mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
            self.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

extension FixedWidthInteger {
    init(bigEndian bytes: [UInt8], at offset: Int) {
        self = 0
        for index in 0..<(Self.bitWidth / 8) { self = self << 8 | Self(bytes[offset + index]) }
    }
}
