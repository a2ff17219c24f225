public import OAP

/// The keys that a run draws from, end to end in one array: a million of them cost their bytes and four more each.
public struct KeySet: Sendable {
    private var bytes: [UInt8] = []
    /// Where each key starts, and where the last one ends.
    private var offsets: [UInt32] = [0]
    /// Size of the longest key in bytes.
    public private(set) var longestBytes = 0

    public init() {}

    public var count: Int { self.offsets.count - 1 }

    /// Size of a key in bytes on average, rounded up.
    var typicalBytes: Int { self.count > 0 ? (self.bytes.count + self.count - 1) / self.count : 0 }

    /// Why a key was not taken.
    public enum Fault: Error, CustomStringConvertible {
        case key(IndexKey.Fault)
        case tooMany

        public var description: String {
            switch self {
            case .key(let fault): fault.message
            case .tooMany: "the keys take more than 4 GiB; use fewer"
            }
        }
    }

    public mutating func append(_ key: Span<UInt8>) throws(Fault) {
        if let fault = IndexKey.fault(in: key) { throw .key(fault) }
        guard let end = UInt32(exactly: self.bytes.count + key.count) else { throw .tooMany }
        for index in key.indices { self.bytes.append(key[index]) }
        self.offsets.append(end)
        self.longestBytes = max(self.longestBytes, key.count)
    }

    /// The key at `index`.
    public subscript(index: Int) -> Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let range = Int(self.offsets[index])..<Int(self.offsets[index + 1])
            return self.bytes.span.extracting(range)
        }
    }
}

/// Keys that no index has: a random number behind a prefix that says what they are for.
enum AbsentKey {
    static let byteCount = 28

    /// `name:absent-` and sixteen hex digits.
    static func bytes(of number: UInt64) -> InlineArray<28, UInt8> {
        var bytes = InlineArray<28, UInt8>(repeating: UInt8(ascii: "0"))
        var place = 0
        for byte in "name:absent-".utf8 {
            bytes[place] = byte
            place += 1
        }
        while place < Self.byteCount {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(4 * (Self.byteCount - 1 - place)) & 15)
            bytes[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            place += 1
        }
        return bytes
    }
}
