/// Bits of the header's `flags`.
public struct FrameFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16
    @inline(__always) public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let request = FrameFlags(rawValue: 1 << 0)
    public static let response = FrameFlags(rawValue: 1 << 1)
    public static let event = FrameFlags(rawValue: 1 << 2)
    public static let start = FrameFlags(rawValue: 1 << 3)
    public static let end = FrameFlags(rawValue: 1 << 4)
    public static let acknowledgementRequested = FrameFlags(rawValue: 1 << 5)
    /// The payload (never the capability) is zstd.
    public static let compressed = FrameFlags(rawValue: 1 << 6)
    /// The payload is end-to-end encrypted: opaque, never logged, never sampled.
    public static let endToEnd = FrameFlags(rawValue: 1 << 7)

    public static let reserved: UInt16 = 0xFF00
    /// What HELLO announces: every flag but `compressed`, which this build refuses.
    public static let supported: UInt16 = 0x00FF & ~FrameFlags.compressed.rawValue
}

/// The 38 bytes in front of every frame, all integers big-endian:
///
/// | offset | size | field |       | offset | size | field |
/// |---|---|---|---|---|---|---|
/// | 0 | 4 | length of the whole frame | | 10 | 2 | application |
/// | 4 | 2 | version, 1 |                | 12 | 16 | tenant |
/// | 6 | 2 | flags |                     | 28 | 2 | capability's length |
/// | 8 | 2 | method or status |          | 30 | 8 | correlation |
public struct FrameHeader: Equatable, Sendable {
    public static let byteCount = 38
    public static let version: UInt16 = 1
    /// The protocol's own maximum of `frameBytes`: 1 MiB.
    public static let frameBytesMax = 1_048_576

    /// Bytes of the whole frame, this header included.
    public var frameBytes: UInt32
    public var flags: FrameFlags
    /// The application's method on a request, the status on a response.
    public var code: UInt16
    public var application: UInt16
    /// 0 is the anonymous tenant.
    public var tenant: UInt128
    public var capabilityBytes: UInt16
    /// Chosen by the requester and repeated in every frame of the exchange.
    public var correlation: UInt64

    public init(
        flags: FrameFlags, code: UInt16, application: UInt16, tenant: UInt128 = 0, correlation: UInt64,
        capabilityBytes: Int = 0, payloadBytes: Int = 0
    ) {
        precondition(capabilityBytes >= 0 && capabilityBytes <= Int(UInt16.max))
        precondition(payloadBytes >= 0 && payloadBytes <= Int(UInt32.max) / 2)
        self.frameBytes = UInt32(Self.byteCount + capabilityBytes + payloadBytes)
        self.flags = flags
        self.code = code
        self.application = application
        self.tenant = tenant
        self.capabilityBytes = UInt16(capabilityBytes)
        self.correlation = correlation
    }

    /// Reads the fields as they stand; `bytes` holds at least 38. What they say is checked by `FrameDecoder` alone.
    @inline(__always)
    public init(peeking bytes: Span<UInt8>) {
        precondition(bytes.count >= Self.byteCount)
        self.frameBytes = bytes.bigEndian32(at: 0)
        self.flags = FrameFlags(rawValue: bytes.bigEndian16(at: 6))
        self.code = bytes.bigEndian16(at: 8)
        self.application = bytes.bigEndian16(at: 10)
        self.tenant = UInt128(bytes.bigEndian64(at: 12)) << 64 | UInt128(bytes.bigEndian64(at: 20))
        self.capabilityBytes = bytes.bigEndian16(at: 28)
        self.correlation = bytes.bigEndian64(at: 30)
    }

    /// Offsets of the capability and of the payload within the frame.
    public var capabilityRange: Range<Int> { Self.byteCount..<(Self.byteCount + Int(self.capabilityBytes)) }
    public var payloadRange: Range<Int> { (Self.byteCount + Int(self.capabilityBytes))..<Int(self.frameBytes) }

    /// Writes the 38 bytes at the start of `out`.
    @inline(__always)
    public func encode(into out: inout MutableSpan<UInt8>) {
        precondition(out.count >= Self.byteCount)
        out.storeBigEndian(self.frameBytes, at: 0)
        out.storeBigEndian(Self.version, at: 4)
        out.storeBigEndian(self.flags.rawValue, at: 6)
        out.storeBigEndian(self.code, at: 8)
        out.storeBigEndian(self.application, at: 10)
        out.storeBigEndian(UInt64(truncatingIfNeeded: self.tenant >> 64), at: 12)
        out.storeBigEndian(UInt64(truncatingIfNeeded: self.tenant), at: 20)
        out.storeBigEndian(self.capabilityBytes, at: 28)
        out.storeBigEndian(self.correlation, at: 30)
    }
}

/// Byte-wise on purpose: the compiler turns each into one load or store with a byte swap, on both architectures.
extension Span<UInt8> {
    @inline(__always)
    func bigEndian16(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

    @inline(__always)
    func bigEndian32(at offset: Int) -> UInt32 {
        UInt32(self[offset]) << 24 | UInt32(self[offset + 1]) << 16 | UInt32(self[offset + 2]) << 8
            | UInt32(self[offset + 3])
    }

    @inline(__always)
    func bigEndian64(at offset: Int) -> UInt64 {
        UInt64(self.bigEndian32(at: offset)) << 32 | UInt64(self.bigEndian32(at: offset + 4))
    }
}

extension MutableSpan<UInt8> {
    @_lifetime(self: copy self)
    @inline(__always)
    mutating func storeBigEndian<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        for index in 0..<(Value.bitWidth / 8) {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> (Value.bitWidth - 8 - 8 * index))
        }
    }
}
