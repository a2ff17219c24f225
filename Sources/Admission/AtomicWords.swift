internal import Synchronization

/// A fixed number of atomic words, zero at first, which begin at a cache line.
@safe struct AtomicWords: ~Copyable, Sendable {
    static let lineBytes = 64
    static let wordsPerLine = AtomicWords.lineBytes / MemoryLayout<UInt64>.size

    let count: Int
    /// `count` initialised atomics, owned; the pointer never changes.
    private nonisolated(unsafe) let start: UnsafeMutablePointer<Atomic<UInt64>>

    init(count: Int) {
        self.count = count
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<UInt64>.stride, alignment: Self.lineBytes)
        unsafe self.start = bytes.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        for index in 0..<count { unsafe (self.start + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe self.start.deinitialize(count: self.count)
        unsafe UnsafeMutableRawPointer(self.start).deallocate()
    }

    subscript(_ index: Int) -> Atomic<UInt64> {
        @inline(__always)
        unsafeAddress {
            precondition(index >= 0 && index < self.count)
            return unsafe UnsafePointer(self.start + index)
        }
    }
}
