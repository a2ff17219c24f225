/// Received bytes in memory that the kernel lends until it is given back. Dropping one is a leak of the pool, and
/// traps in debug builds: hand it to `Kernel.give`.
@safe public struct LentBuffer: ~Copyable {
    private let start: UnsafePointer<UInt8>
    public let count: Int
    let index: UInt16
    private let generation: UInt8 = 0

    @unsafe init(start: UnsafePointer<UInt8>, count: Int, index: UInt16) {
        unsafe self.start = unsafe start
        self.count = count
        self.index = index
    }

    /// The bytes, for as long as this value lives.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        @inline(__always)
        get {
            let span = unsafe Span(_unsafeStart: self.start, count: self.count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
