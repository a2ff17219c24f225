/// Writes the text exposition format, version 0.0.4.
///
/// Every series of the schema is written, those that are 0 too: an alert on a series that does not exist yet never
/// fires. The series of one family follow one another under one HELP and one TYPE line, as the format demands.
public enum PrometheusText {
    /// - Parameters:
    ///   - snapshot: of banks of `schema`.
    ///   - process: samples computed for this scrape, in any order.
    ///   - commonLabels: written first on every series; a series' own label of the same name wins.
    /// - Returns: The whole page, each line ended by a newline.
    public static func render(
        schema: MetricSchema, snapshot: TelemetrySnapshot, process: [ProcessMetric], commonLabels: [MetricLabel]
    ) -> String {
        var page = Page(commonLabels: commonLabels)
        let processByName = Dictionary(grouping: process, by: \.name)
        for family in schema.families {
            let additions = processByName[family.name] ?? []
            assert(
                additions.allSatisfy { $0.kind.typeName == family.typeName },
                "\(family.name): a process metric is of another kind than the schema says")
            page.write(family, snapshot)
            page.write(additions)
        }
        var namesWritten = Set(schema.families.map(\.name))
        for metric in process where namesWritten.insert(metric.name).inserted {
            page.writeHead(metric.name, help: metric.help, type: metric.kind.typeName)
            page.write(processByName[metric.name] ?? [])
        }
        return page.text
    }

    /// Nanoseconds as seconds, exact and as short as possible: `0.0005`, `1`, `2.5`.
    static func seconds(nanoseconds: UInt64) -> String {
        let (whole, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard fraction != 0 else { return String(whole) }
        let digits = String(fraction)
        var decimals = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return "\(whole).\(decimals)"
    }

    /// A sample's value: whole numbers without a fraction, and the format's own spelling of what is no number.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }
}

extension ProcessMetric.Kind {
    var typeName: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        }
    }
}

extension MetricFamily {
    var typeName: String {
        switch self.cells {
        case .scalar(let kind, _): kind.typeName
        case .histogram: "histogram"
        }
    }
}

/// The text as it grows.
private struct Page {
    let commonLabels: [MetricLabel]
    var text = ""

    init(commonLabels: [MetricLabel]) {
        self.commonLabels = commonLabels
        self.text.reserveCapacity(16 * 1024)
    }

    mutating func write(_ family: MetricFamily, _ snapshot: TelemetrySnapshot) {
        self.writeHead(family.name, help: family.help, type: family.typeName)
        switch family.cells {
        case .scalar(_, let first):
            for (index, labels) in family.series.enumerated() {
                self.writeSample(family.name, labels, String(snapshot.value(first + index)))
            }
        case .histogram(let cells, let boundaries):
            for (labels, cells) in zip(family.series, cells) {
                self.writeHistogram(family.name, labels, cells, boundaries, snapshot)
            }
        }
    }

    mutating func write(_ metrics: [ProcessMetric]) {
        for metric in metrics {
            self.writeSample(metric.name, metric.labels, PrometheusText.number(metric.value))
        }
    }

    mutating func writeHead(_ name: String, help: String, type: String) {
        self.text += "# HELP \(name) "
        self.writeEscaped(help, quotes: false)
        self.text += "\n# TYPE \(name) \(type)\n"
    }

    private mutating func writeHistogram(
        _ name: String, _ labels: [MetricLabel], _ cells: HistogramCells, _ boundaries: [UInt64],
        _ snapshot: TelemetrySnapshot
    ) {
        var count: UInt64 = 0
        for bucket in 0...boundaries.count {
            count &+= snapshot.value(cells.first + bucket)
            let bound = bucket < boundaries.count ? PrometheusText.seconds(nanoseconds: boundaries[bucket]) : "+Inf"
            self.writeSample("\(name)_bucket", labels + [MetricLabel("le", bound)], String(count))
        }
        let sum = PrometheusText.seconds(nanoseconds: snapshot.value(cells.sumCell))
        self.writeSample("\(name)_sum", labels, sum)
        self.writeSample("\(name)_count", labels, String(count))
    }

    private mutating func writeSample(_ name: String, _ labels: [MetricLabel], _ value: String) {
        self.text += name
        var separator = "{"
        for label in self.commonLabels where !labels.contains(where: { $0.name == label.name }) {
            self.writeLabel(label, after: &separator)
        }
        for label in labels { self.writeLabel(label, after: &separator) }
        self.text += separator == "{" ? " \(value)\n" : "} \(value)\n"
    }

    private mutating func writeLabel(_ label: MetricLabel, after separator: inout String) {
        self.text += "\(separator)\(label.name)=\""
        self.writeEscaped(label.value, quotes: true)
        self.text += "\""
        separator = ","
    }

    /// A newline would start a line of the client's choosing, so it never leaves unescaped.
    private mutating func writeEscaped(_ value: String, quotes: Bool) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": self.text += "\\\\"
            case "\n": self.text += "\\n"
            case "\"" where quotes: self.text += "\\\""
            default: self.text.unicodeScalars.append(scalar)
            }
        }
    }
}
