/// What a request took from its quotas beside the bytes of its frame, and by which.
struct QuotaCharge: Sendable {
    let tokens: Int
    /// `AdmissionSnapshot.quotaEdition`: by other rates nothing is given back.
    let edition: Int32
}
