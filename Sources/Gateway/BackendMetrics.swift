internal import Telemetry

/// The series of a gateway that forwards lookups: each worker sets its own numbers.
public struct BackendMetrics: Sendable {
    /// The values of `reason`, in the order of their cells.
    public struct Labels: Sendable {
        let failures: [String]
        let losses: [String]

        public init(failures: [String], losses: [String]) {
            self.failures = failures
            self.losses = losses
        }
    }

    public let connections: Int
    public let requests: Int
    public let retries: Int
    public let ejections: Int
    /// The first cell of each; the others follow.
    public let failures: Int
    public let losses: Int

    init(_ labels: Labels, _ schema: inout MetricSchema) {
        self.connections = schema.gauge(
            "backend_connections", help: "Connections to the backend that take requests now.")
        self.requests = schema.counter("backend_requests_total", help: "Requests handed over for the backend.")
        self.retries = schema.counter("backend_retries_total", help: "Requests that were given another try.")
        self.ejections = schema.counter(
            "backend_ejections_total", help: "Times that an address of the backend was left out for its failures.")
        self.failures = schema.counter(
            "backend_failures_total", help: "Requests that the backend did not answer, by reason.",
            series: labels.failures.map { [MetricLabel("reason", $0)] })
        self.losses = schema.counter(
            "backend_connections_lost_total", help: "Connections to the backend that ended, by reason.",
            series: labels.losses.map { [MetricLabel("reason", $0)] })
    }
}
