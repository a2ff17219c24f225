/// The cells of all workers added up: what one scrape shows.
public struct TelemetrySnapshot: Sendable {
    /// Empty exactly when no bank was merged; then every cell reads 0.
    private let values: [UInt64]

    /// Reads every bank once. Any thread, while the workers write.
    ///
    /// - Precondition: all banks are of one schema.
    public static func merging(_ banks: [TelemetryBank]) -> TelemetrySnapshot {
        guard let first = banks.first else { return TelemetrySnapshot(values: []) }
        precondition(banks.allSatisfy { $0.cellsCount == first.cellsCount }, "the banks are of different schemas")
        var values = [UInt64](repeating: 0, count: first.cellsCount)
        for bank in banks {
            for cell in 0..<bank.cellsCount { values[cell] &+= bank.value(cell) }
        }
        return TelemetrySnapshot(values: values)
    }

    /// The sum over all workers, wrapping at 2^64.
    public func value(_ cell: Int) -> UInt64 {
        guard !self.values.isEmpty else { return 0 }
        return self.values[cell]
    }
}
