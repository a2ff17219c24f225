/// Where one series of a histogram lives in a bank: a plain value without references, so that a worker copies it for
/// free. Made by `MetricSchema.histogram` and valid in every bank of that schema.
///
/// The boundaries themselves, in nanoseconds and inclusive as Prometheus' `le` is, lie in the bank's fixed storage.
///
/// ```
/// cells:  first                first + boundariesCount   first + boundariesCount + 1
///         | bucket 0 | bucket 1 | … | bucket +Inf         | sum of nanoseconds |
/// ```
/// Buckets are not cumulative here: one observation writes two cells. There is no cell for the count: the reader adds
/// the buckets up, so `_count` equals the `+Inf` bucket in every scrape, even in one that races with the writer.
public struct HistogramCells: Sendable, Equatable {
    @usableFromInline let first: Int
    @usableFromInline let boundariesFirst: Int
    @usableFromInline let boundariesCount: Int

    init(first: Int, boundariesFirst: Int, boundariesCount: Int) {
        self.first = first
        self.boundariesFirst = boundariesFirst
        self.boundariesCount = boundariesCount
    }

    /// The cell that holds the sum, in nanoseconds.
    @usableFromInline var sumCell: Int { self.first + self.boundariesCount + 1 }

    static func cellsCount(boundariesCount: Int) -> Int { boundariesCount + 2 }
}
