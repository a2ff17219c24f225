internal import Admission
internal import ControlProtocol
internal import Telemetry

/// Tenants as operators know them: by the names that the configuration gives, the others by their ids as it writes them.
struct TenantLabels {
    private let report: TenantReport
    private let names: [UInt128: String]

    init(_ report: TenantReport, named: [NamedTenant]) {
        let shown = Set(report.tenants.map(\.tenant))
        let names = named.filter { shown.contains($0.tenant) }.map { ($0.tenant, $0.name) }
        self.report = report
        self.names = Dictionary(names) { first, _ in first }
    }

    /// `billing`, `0x2a`.
    private func label(_ tenant: UInt128) -> String { self.names[tenant] ?? "0x" + String(tenant, radix: 16) }

    /// Most requests first, and the others last.
    private var rows: [(label: String, counts: TenantCounts)] {
        self.report.tenants.map { (self.label($0.tenant), $0.counts) } + [("other", self.report.other)]
    }

    var metrics: [ProcessMetric] {
        self.rows.flatMap { label, counts in
            TenantOutcome.allCases.map { outcome in
                ProcessMetric(
                    "tenant_requests_total",
                    help: "Requests on which admission has decided, of the most active tenants and of all others.",
                    kind: .counter, labels: [MetricLabel("tenant", label), MetricLabel("outcome", outcome.label)],
                    value: Double(counts[outcome]))
            }
        }
    }

    /// The `count` most active, and the others with all that these leave; only who had any request.
    func status(count: Int) -> [StatusReport.Tenant] {
        let shown = self.report.tenants.prefix(count)
        let other = self.report.tenants.dropFirst(count).reduce(self.report.other) { $0 &+ $1.counts }
        let rows = shown.map { (self.label($0.tenant), $0.counts) } + [("other", other)]
        return rows.filter { $0.1.total > 0 }.map { label, counts in
            StatusReport.Tenant(
                name: label, admitted: counts.admitted, quota: counts.quota, overload: counts.overload)
        }
    }
}

extension TenantOutcome {
    fileprivate var label: String {
        switch self {
        case .admitted: "admitted"
        case .quota: "quota"
        case .overload: "overload"
        }
    }
}
