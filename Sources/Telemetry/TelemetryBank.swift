public import Synchronization

/// The counters of one worker: fixed cells with one writer thread and any number of readers.
///
/// Because there is one writer, an addition is a relaxed load and a relaxed store: plain instructions, never a locked
/// one. A second writing thread would lose counts; reading is safe from any thread at any time, and one cell is
/// never seen to go backwards. Cells are not read as of one instant: two of them may differ by what happened between.
///
/// The storage is aligned to and padded to 128 bytes (two lines, which adjacent-line prefetching fetches together), so
/// that two workers' banks never share a line.
@safe public final class TelemetryBank: Sendable {
    /// Cells that may be written and read: 0 ..< cellsCount.
    public let cellsCount: Int

    @usableFromInline let boundariesCount: Int

    /// `cellsCount` initialized atomics, owned: allocated in `init`, freed in `deinit`.
    @usableFromInline nonisolated(unsafe) let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// `boundariesCount` upper bounds of the schema's histograms in nanoseconds; written in `init` only.
    @usableFromInline nonisolated(unsafe) let boundaries: UnsafeMutablePointer<UInt64>

    private static let lineBytes = 128

    /// Makes a bank whose cells are all 0.
    public init(schema: MetricSchema) {
        self.cellsCount = schema.cellsCount
        self.boundariesCount = schema.boundariesNanoseconds.count
        unsafe self.cells = Self.allocateLines(Atomic<UInt64>.self, count: self.cellsCount)
        for cell in 0..<self.cellsCount {
            unsafe (self.cells + cell).initialize(to: Atomic(0))
        }
        unsafe self.boundaries = Self.allocateLines(UInt64.self, count: self.boundariesCount)
        for (index, boundary) in schema.boundariesNanoseconds.enumerated() {
            unsafe (self.boundaries + index).initialize(to: boundary)
        }
    }

    deinit {
        unsafe self.cells.deinitialize(count: self.cellsCount)
        unsafe self.cells.deallocate()
        unsafe self.boundaries.deallocate()
    }

    /// Adds to a counter, wrapping at 2^64. Writer thread only.
    ///
    /// - Precondition: `cell` is below `cellsCount`.
    @inlinable @inline(__always)
    public func add(_ cell: Int, _ amount: UInt64 = 1) {
        self.check(cell)
        let atomic = unsafe self.cells + cell
        unsafe atomic.pointee.store(atomic.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Replaces the value of a gauge. Writer thread only.
    @inlinable @inline(__always)
    public func set(_ cell: Int, _ value: UInt64) {
        self.check(cell)
        unsafe self.cells[cell].store(value, ordering: .relaxed)
    }

    /// The value that the writer stored last, as far as it has arrived here. Any thread.
    @inlinable @inline(__always)
    public func value(_ cell: Int) -> UInt64 {
        self.check(cell)
        return unsafe self.cells[cell].load(ordering: .relaxed)
    }

    /// Counts `count` durations of the same length in a histogram. Writer thread only.
    ///
    /// - Parameter nanoseconds: lands in the first bucket whose boundary is not below it.
    @inlinable
    public func observe(_ histogram: HistogramCells, nanoseconds: UInt64, count: UInt64 = 1) {
        precondition(
            histogram.boundariesFirst &+ histogram.boundariesCount <= self.boundariesCount,
            "the histogram is of another schema")
        let boundaries = unsafe self.boundaries + histogram.boundariesFirst
        // Halving rather than a scan: latencies of one run differ, and a mispredicted exit costs more than four steps.
        var low = 0
        var high = histogram.boundariesCount
        while low < high {
            let middle = (low &+ high) &>> 1
            if unsafe boundaries[middle] < nanoseconds { low = middle &+ 1 } else { high = middle }
        }
        self.add(histogram.first &+ low, count)
        self.add(histogram.sumCell, nanoseconds &* count)
    }

    /// One unsigned comparison refuses negative cells too.
    @inlinable @inline(__always)
    func check(_ cell: Int) {
        precondition(UInt(bitPattern: cell) < UInt(bitPattern: self.cellsCount), "the cell is of another schema")
    }

    private static func allocateLines<Element: ~Copyable>(
        _ type: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        let bytes = max(count, 1) * MemoryLayout<Element>.stride
        let padded = (bytes + self.lineBytes - 1) / self.lineBytes * self.lineBytes
        let memory = UnsafeMutableRawPointer.allocate(byteCount: padded, alignment: self.lineBytes)
        return unsafe memory.bindMemory(to: Element.self, capacity: count)
    }
}
