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

    /// The `count` most active, most requests first, and last the others with all that these leave.
    private func rows(_ count: Int) -> [(label: String, counts: TenantCounts)] {
        let other = self.report.tenants.dropFirst(count).reduce(self.report.other) { $0 &+ $1.counts }
        return self.report.tenants.prefix(count).map { (self.label($0.tenant), $0.counts) } + [("other", other)]
    }

    var metrics: [ProcessMetric] {
        self.rows(self.report.tenants.count).flatMap { label, counts in
            TenantOutcome.allCases.map { outcome in
                ProcessMetric(
                    "tenant_requests_total",
                    help: "Requests on which admission has decided, of the most active tenants and of all others.",
                    kind: .counter, labels: [MetricLabel("tenant", label), MetricLabel("outcome", outcome.label)],
                    value: Double(counts[outcome]))
            }
        }
    }

    /// The `count` most active and the others; only who had any request.
    func status(count: Int) -> [StatusReport.Tenant] {
        self.rows(count).filter { $0.counts.total > 0 }.map { label, counts in
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
