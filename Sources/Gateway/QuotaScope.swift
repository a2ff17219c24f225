internal import OAP

extension GatewayMetrics {
    /// Whose quota was spent.
    public enum QuotaScope: String, CaseIterable, Sendable {
        case tenant, global, connection
        case tenantBytes = "tenant_bytes"
        case tenantDay = "tenant_day"

        /// Its place among all cases.
        var index: Int {
            switch self {
            case .tenant: 0
            case .global: 1
            case .connection: 2
            case .tenantBytes: 3
            case .tenantDay: 4
            }
        }

        var code: ErrorCode {
            switch self {
            case .global: .ingressExhausted
            case .tenant, .connection, .tenantBytes, .tenantDay: .quotaExhausted
            }
        }

        /// Nil takes the code's own.
        var sentence: String? {
            switch self {
            case .tenant: "The tenant's request quota is spent; slow down."
            case .global: nil
            case .connection: "The connection's frame quota is spent; slow down."
            case .tenantBytes: "The tenant's quota of bytes is spent; slow down."
            case .tenantDay: "The tenant's requests of this day are spent; a new day begins at midnight UTC."
            }
        }
    }
}
