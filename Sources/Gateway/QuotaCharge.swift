/// What a request took from its quotas.
struct QuotaCharge: Sendable {
    let tokens: Int
    let bytes: Int
}
