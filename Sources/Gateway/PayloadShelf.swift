internal import Admission

/// Payloads of requests that wait, copied out of the buffers they arrived in. A place keeps its memory for the next payload.
/// One thread.
struct PayloadShelf {
    /// Holds 256 keys of 60 bytes.
    static var payloadBytesMax: Int { 16_384 }

    struct Place: Equatable, Sendable {
        fileprivate let index: Int32
    }

    private var placesMax: Int
    private var payloads: [[UInt8]] = []
    private var free: [Int32] = []

    init(placesMax: Int) { self.placesMax = placesMax }

    /// Makes room for more; a shelf never shrinks.
    mutating func grow(placesMax: Int) { self.placesMax = max(self.placesMax, placesMax) }

    /// Nil when the payload is too long, or every place is taken.
    mutating func put(_ payload: Span<UInt8>) -> Place? {
        guard payload.count <= Self.payloadBytesMax else { return nil }
        let index: Int
        if let last = self.free.popLast() {
            index = Int(last)
        } else {
            guard self.payloads.count < self.placesMax else { return nil }
            index = self.payloads.count
            self.payloads.append([])
        }
        self.payloads[index].assign(payload)
        return Place(index: Int32(index))
    }

    /// Exchanges `scratch` for the payload, and frees its place.
    mutating func take(_ place: Place, into scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        swap(&self.payloads[Int(place.index)], &scratch)
        self.free.append(place.index)
    }

    mutating func discard(_ place: Place) {
        self.payloads[Int(place.index)].removeAll(keepingCapacity: true)
        self.free.append(place.index)
    }
}
