/// A sample that no worker writes: computed when somebody scrapes, for instance `build_info` or the resident memory.
///
/// Samples of one name share the help and the kind of the first. A name that the schema declares too adds its samples
/// to that family, which must be of the same kind and whose labels must differ.
public struct ProcessMetric: Sendable {
    public enum Kind: Sendable {
        case counter
        case gauge
    }

    public let name: String
    public let help: String
    public let kind: Kind
    public let labels: [MetricLabel]
    public let value: Double

    /// - Precondition: `name` is a metric name and `help` is not empty.
    public init(_ name: String, help: String, kind: Kind, labels: [MetricLabel] = [], value: Double) {
        precondition(MetricName.isMetric(name), "\"\(name)\" is no metric name")
        precondition(!help.isEmpty, "\(name): help is for the operator and must not be empty")
        self.name = name
        self.help = help
        self.kind = kind
        self.labels = labels
        self.value = value
    }
}
