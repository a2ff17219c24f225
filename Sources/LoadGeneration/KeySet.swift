import OAP

/// The keys that a run draws from, end to end in one array: a million of them cost their bytes and four more each.
struct KeySet: Sendable {
    private var bytes: [UInt8] = []
    /// Where each key starts, and where the last one ends.
    private var offsets: [UInt32] = [0]
    /// Size of the longest key in bytes.
    private(set) var longestBytes = 0

    var count: Int { self.offsets.count - 1 }

    /// Why a key was not taken.
    enum Fault: Error, CustomStringConvertible {
        case key(IndexKey.Fault)
        case tooMany

        var description: String {
            switch self {
            case .key(let fault): fault.message
            case .tooMany: "the keys take more than 4 GiB; use fewer"
            }
        }
    }

    mutating func append(_ key: Span<UInt8>) throws(Fault) {
        if let fault = IndexKey.fault(in: key) { throw .key(fault) }
        guard let end = UInt32(exactly: self.bytes.count + key.count) else { throw .tooMany }
        for index in key.indices { self.bytes.append(key[index]) }
        self.offsets.append(end)
        self.longestBytes = max(self.longestBytes, key.count)
    }

    /// The key at `index`.
    subscript(index: Int) -> Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let range = Int(self.offsets[index])..<Int(self.offsets[index + 1])
            return self.bytes.span.extracting(range)
        }
    }
}
