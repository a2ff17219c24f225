/// What a request took from its quotas, and by which.
struct QuotaCharge: Sendable {
    let tokens: Int
    let bytes: Int32
    /// `AdmissionSnapshot.quotaEdition`: by other rates nothing is given back.
    let edition: Int32

    init(tokens: Int, bytes: Int, edition: Int32) {
        self.tokens = tokens
        self.bytes = Int32(clamping: bytes)
        self.edition = edition
    }
}
