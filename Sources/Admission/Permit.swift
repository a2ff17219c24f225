/// Proof that a request was admitted. Dropping it is the only way to return it.
@safe public struct Permit: ~Copyable {
    private let limit: Unmanaged<ConcurrencyLimit>

    /// `limit` has counted it already, and outlives it.
    init(countedBy limit: ConcurrencyLimit) { unsafe self.limit = .passUnretained(limit) }

    deinit { unsafe self.limit._withUnsafeGuaranteedRef { $0.release() } }
}
