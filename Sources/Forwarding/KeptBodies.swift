/// Where a body is kept.
public struct KeptBody: Equatable, Sendable {
    let index: Int32
}

/// Bodies of requests that may be sent again, copied out of the buffers they arrived in. A place has its memory from
/// its first use on, so at most `placesMax` times `bodyBytesMax` bytes are held.
struct KeptBodies {
    private let placesMax: Int
    private let bodyBytesMax: Int
    private var bodies: [[UInt8]] = []
    private var free: [Int32] = []

    init(placesMax: Int, bodyBytesMax: Int) {
        self.placesMax = placesMax
        self.bodyBytesMax = bodyBytesMax
        self.bodies.reserveCapacity(placesMax)
        self.free.reserveCapacity(placesMax)
    }

    /// Bodies that are kept now.
    var count: Int { self.bodies.count - self.free.count }

    /// Nil when the body is too long, or every place is taken.
    mutating func keep(_ body: Span<UInt8>) -> KeptBody? {
        guard body.count <= self.bodyBytesMax else { return nil }
        let index: Int
        if let last = self.free.popLast() {
            index = Int(last)
        } else {
            guard self.bodies.count < self.placesMax else { return nil }
            index = self.bodies.count
            // All that it may ever need: growing later would allocate, and beyond the bound.
            self.bodies.append([])
            self.bodies[index].reserveCapacity(self.bodyBytesMax)
        }
        unsafe body.withUnsafeBufferPointer { unsafe self.bodies[index].append(contentsOf: $0) }
        return KeptBody(index: Int32(index))
    }

    func withBody<Result>(_ place: KeptBody, _ use: (Span<UInt8>) -> Result) -> Result {
        let bytes = self.bodies[Int(place.index)]
        return use(bytes.span)
    }

    mutating func discard(_ place: KeptBody) {
        self.bodies[Int(place.index)].removeAll(keepingCapacity: true)
        self.free.append(place.index)
    }
}
