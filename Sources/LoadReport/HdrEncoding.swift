/// A histogram of three digits as HdrHistogram encodes it, version 2: a header of 40 bytes, and the counts of all buckets
/// up to the last one that is not empty as ZigZag LEB128, a negative number standing for so many empty ones.
struct HdrEncoding {
    private static let cookie: UInt32 = 0x1C84_9303 | 0x10
    private static let compressedCookie: UInt32 = 0x1C84_9304 | 0x10
    private static let digits: UInt32 = 3
    /// Two to this power linear steps in each of the buckets behind the first, whose width doubles from one to the next.
    private static let stepsPower = 10

    private let highestTrackable: UInt64
    private var counts: [UInt64] = []

    init(highestTrackable: UInt64) { self.highestTrackable = highestTrackable }

    /// - Parameter value: at most `highestTrackable`.
    mutating func add(_ value: UInt64, count: UInt64) {
        let index = Self.index(of: value)
        if index >= self.counts.count {
            self.counts += repeatElement(0, count: index + 1 - self.counts.count)
        }
        self.counts[index] += count
    }

    private static func index(of value: UInt64) -> Int {
        let steps = UInt64(1) << UInt64(Self.stepsPower)
        let bucket = UInt64.bitWidth - (value | (2 * steps - 1)).leadingZeroBitCount - Self.stepsPower - 1
        return (bucket << Self.stepsPower) + Int(value >> UInt64(bucket))
    }

    /// The form of the logs: the encoding within a zlib stream, whose blocks are stored as they are.
    var compressed: [UInt8] {
        let stream = StoredZlib.stream(self.encoded)
        var bytes: [UInt8] = []
        Self.append(Self.compressedCookie, to: &bytes)
        Self.append(UInt32(stream.count), to: &bytes)
        return bytes + stream
    }

    private var encoded: [UInt8] {
        let payload = self.payload
        var bytes: [UInt8] = []
        Self.append(Self.cookie, to: &bytes)
        Self.append(UInt32(payload.count), to: &bytes)
        // The offset that normalises indices.
        Self.append(UInt32(0), to: &bytes)
        Self.append(Self.digits, to: &bytes)
        // The lowest value that is told from 0.
        Self.append(UInt64(1), to: &bytes)
        Self.append(self.highestTrackable, to: &bytes)
        Self.append(Double(1).bitPattern, to: &bytes)
        return bytes + payload
    }

    private var payload: [UInt8] {
        var bytes: [UInt8] = []
        var zeros: Int64 = 0
        for count in self.counts {
            guard count > 0 else {
                zeros += 1
                continue
            }
            if zeros > 0 { Self.appendZigZag(-zeros, to: &bytes) }
            zeros = 0
            Self.appendZigZag(Int64(clamping: count), to: &bytes)
        }
        return bytes
    }

    /// Seven bits a byte, lowest first; the ninth byte has eight and ends it.
    private static func appendZigZag(_ value: Int64, to bytes: inout [UInt8]) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        for _ in 0..<8 {
            guard rest > 0x7F else {
                bytes.append(UInt8(rest))
                return
            }
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

/// zlib without compression, which every reader of zlib takes: the log of a run is some ten kilobytes, and a library for it
/// would be one more to install.
enum StoredZlib {
    private static let blockBytesMax = 65_535

    static func stream(_ bytes: [UInt8]) -> [UInt8] {
        // Deflate with a window of 32 KiB; the check bits make the two bytes a multiple of 31.
        var stream: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let end = min(start + Self.blockBytesMax, bytes.count)
            let length = UInt16(end - start)
            stream.append(end == bytes.count ? 1 : 0)
            for half in [length, ~length] { stream += [UInt8(half & 0xFF), UInt8(half >> 8)] }
            stream += bytes[start..<end]
            start = end
        } while start < bytes.count
        let sum = Self.adler32(bytes)
        return stream + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
    }

    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }
}
