/// The payload of "resolve many": a JSON array of 1–256 keys.
///
/// `parse` checks the whole payload once; the list is then a plain cursor that holds no memory of the payload, so
/// that it can travel in an order beside it. `next` gives the keys in order and allocates nothing.
public struct KeyList: Equatable, Sendable {
    /// Most keys in one request.
    public static let keysMax = 256

    /// Keys in the payload, 1–256.
    public let count: Int
    /// Where the next key, or the separator before it, starts in the payload.
    private var offset: Int
    /// Keys that `next` has not given yet.
    public private(set) var remaining: Int

    /// Why a payload is not a list of keys; a value without references.
    public enum Malformation: Error, Equatable, Sendable {
        case json(JSONError)
        /// The element at `index` is a string but not a key.
        case key(index: Int, fault: IndexKey.Fault)
        case noKeys
    }

    public enum Parsed: Equatable, Sendable {
        case valid(KeyList)
        case malformed(Malformation)
        /// More than 256 elements. Those after the 256th were not looked at.
        case tooMany
    }

    /// Checks the payload: strict JSON, 1–256 strings, each of them a key.
    public static func parse(_ payload: Span<UInt8>) -> Parsed {
        do throws(Malformation) {
            guard let count = try Self.checkedCount(payload) else { return .tooMany }
            guard count > 0 else { return .malformed(.noKeys) }
            return .valid(KeyList(count: count))
        } catch {
            return .malformed(error)
        }
    }

    private init(count: Int) {
        self.count = count
        self.offset = 0
        self.remaining = count
    }

    /// Writes the next key to the start of `scratch` and returns its size in bytes, or nil after the last one.
    ///
    /// - Parameters:
    ///   - payload: the same bytes that were parsed; with other bytes the list ends early.
    ///   - scratch: at least `IndexKey.bytesMax` bytes, reused from call to call.
    public mutating func next(of payload: Span<UInt8>, into scratch: inout [UInt8]) -> Int? {
        precondition(scratch.count >= IndexKey.bytesMax, "the scratch must hold the longest key")
        guard self.remaining > 0 else { return nil }
        // Between two strings of a checked array there are only white space, the bracket and commas.
        while self.offset < payload.count && payload[self.offset] != UInt8(ascii: "\"") { self.offset += 1 }
        var reader = JSONReader(resuming: payload, at: self.offset)
        guard let string = try? reader.readString(), string.valueBytes <= IndexKey.bytesMax else {
            self.remaining = 0
            return nil
        }
        self.offset = reader.offset
        self.remaining -= 1
        var output = scratch.mutableSpan
        return reader.copyValue(of: string, into: &output)
    }

    /// Nil when there are more than `keysMax`.
    private static func checkedCount(_ payload: Span<UInt8>) throws(Malformation) -> Int? {
        var count = 0
        var keyFault: IndexKey.Fault?
        do throws(JSONError) {
            var reader = try JSONReader(payload, depthMax: 1)
            try reader.beginArray()
            while try reader.nextElement() {
                guard count < Self.keysMax else { return nil }
                keyFault = Self.fault(in: try reader.readString(), of: payload, reader)
                if keyFault != nil { break }
                count += 1
            }
            if keyFault == nil { try reader.end() }
        } catch {
            throw .json(error)
        }
        if let keyFault { throw .key(index: count, fault: keyFault) }
        return count
    }

    /// A key without escapes is checked where it lies; others are unescaped on the stack.
    private static func fault(
        in string: JSONString, of payload: Span<UInt8>, _ reader: borrowing JSONReader
    ) -> IndexKey.Fault? {
        guard string.valueBytes <= IndexKey.bytesMax else { return .tooLong }
        guard string.hasEscapes else { return IndexKey.fault(in: payload.extracting(string.rawBytes)) }
        var scratch = InlineArray<511, UInt8>(repeating: 0)
        var output = scratch.mutableSpan
        let count = reader.copyValue(of: string, into: &output)
        return IndexKey.fault(in: output.span.extracting(0..<count))
    }
}
