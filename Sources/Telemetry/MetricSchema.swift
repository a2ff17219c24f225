/// Names every metric that workers write and gives each series its cell. Built once at start, then immutable; every
/// bank of a process is made from the same schema.
///
/// Names, labels and boundaries are written by us: a wrong one is an own bug and traps while the schema is built.
public struct MetricSchema: Sendable {
    /// Cells a bank of this schema has. Each is 8 bytes.
    public private(set) var cellsCount = 0

    /// In the order of declaration, which is the order of the text.
    private(set) var families: [MetricFamily] = []

    /// The boundaries of all histograms one after another, in nanoseconds; `HistogramCells` points into it.
    private(set) var boundariesNanoseconds: [UInt64] = []

    public init() {}

    /// Declares a counter: it only grows, and the scrape shows the sum over all workers.
    ///
    /// - Parameters:
    ///   - name: with the unit and `_total` last, for instance `bytes_in_total`.
    ///   - help: one sentence for the operator.
    ///   - series: the labels of each series, all with the same label names; one series without labels unless told.
    /// - Returns: The cell of the first series; series `i` is at that cell + `i`.
    public mutating func counter(_ name: String, help: String, series: [[MetricLabel]] = [[]]) -> Int {
        self.scalar(name, help: help, kind: .counter, series: series)
    }

    /// Declares a gauge: each worker sets its own share, and the scrape shows the sum over all workers.
    ///
    /// - Returns: The cell of the first series; series `i` is at that cell + `i`.
    public mutating func gauge(_ name: String, help: String, series: [[MetricLabel]] = [[]]) -> Int {
        self.scalar(name, help: help, kind: .gauge, series: series)
    }

    /// Declares a histogram of durations: observed in nanoseconds, exported in seconds.
    ///
    /// - Parameters:
    ///   - name: ends in `_seconds`.
    ///   - boundariesNanoseconds: 1 to 64 inclusive upper bounds, strictly ascending; `+Inf` is added.
    /// - Returns: One value per series, in the order of `series`.
    public mutating func histogram(
        _ name: String, help: String, boundariesNanoseconds: [UInt64], series: [[MetricLabel]] = [[]]
    ) -> [HistogramCells] {
        precondition((1...64).contains(boundariesNanoseconds.count), "\(name): a histogram has 1 to 64 boundaries")
        precondition(
            zip(boundariesNanoseconds, boundariesNanoseconds.dropFirst()).allSatisfy(<),
            "\(name): boundaries must ascend")
        precondition(
            series.allSatisfy { $0.allSatisfy { $0.name != "le" } }, "\(name): the label le belongs to the buckets")
        let boundariesFirst = self.boundariesNanoseconds.count
        self.boundariesNanoseconds += boundariesNanoseconds
        let width = HistogramCells.cellsCount(boundariesCount: boundariesNanoseconds.count)
        let first = self.cellsCount
        let cells = series.indices.map { index in
            HistogramCells(
                first: first + index * width, boundariesFirst: boundariesFirst,
                boundariesCount: boundariesNanoseconds.count)
        }
        self.declare(
            MetricFamily(
                name: name, help: help, series: series,
                cells: .histogram(cells, boundariesNanoseconds: boundariesNanoseconds)))
        self.cellsCount += series.count * width
        return cells
    }

    /// The series of a counter or gauge with the cell of each; empty when none has that name.
    public func series(of name: String) -> [(labels: [MetricLabel], cell: Int)] {
        guard let family = self.families.first(where: { $0.name == name }),
            case .scalar(_, let first) = family.cells
        else { return [] }
        return family.series.enumerated().map { ($0.element, first + $0.offset) }
    }

    private mutating func scalar(
        _ name: String, help: String, kind: ProcessMetric.Kind, series: [[MetricLabel]]
    ) -> Int {
        let first = self.cellsCount
        self.declare(MetricFamily(name: name, help: help, series: series, cells: .scalar(kind, first: first)))
        self.cellsCount += series.count
        return first
    }

    private mutating func declare(_ family: MetricFamily) {
        precondition(MetricName.isMetric(family.name), "\"\(family.name)\" is no metric name")
        precondition(!family.help.isEmpty, "\(family.name): help is for the operator and must not be empty")
        precondition(!self.families.contains { $0.name == family.name }, "\(family.name) is declared twice")
        precondition(!family.series.isEmpty, "\(family.name): a family has at least one series")
        let names = family.series[0].map(\.name)
        precondition(Set(names).count == names.count, "\(family.name): a label name is there twice")
        precondition(
            family.series.allSatisfy { $0.map(\.name) == names }, "\(family.name): series differ in label names")
        precondition(
            Set(family.series.map { $0.map(\.value) }).count == family.series.count,
            "\(family.name): two series have the same labels")
        self.families.append(family)
    }
}

/// One name with its HELP, its type and its series.
struct MetricFamily: Sendable {
    let name: String
    let help: String
    let series: [[MetricLabel]]
    let cells: Cells

    enum Cells: Sendable {
        /// Series `i` is the cell `first + i`.
        case scalar(ProcessMetric.Kind, first: Int)
        /// One value per series, and the boundaries that they share.
        case histogram([HistogramCells], boundariesNanoseconds: [UInt64])
    }
}
