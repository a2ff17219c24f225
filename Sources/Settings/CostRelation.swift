/// A request that costs more than a bucket ever holds would be refused for ever: the longest frame must fit.
enum CostRelation {
    private struct Bucket: Sendable {
        let burst: String
        let rate: String
        let draft: DraftPath<QuotaDraft>
    }

    private static let buckets = [
        Bucket(burst: "quota.global.burst", rate: "quota.global.requests_per_second", draft: \.globalQuota),
        Bucket(burst: "quota.tenant.burst", rate: "quota.tenant.requests_per_second", draft: \.tenantQuota.requests),
    ]

    static let all: [SettingRelation] = Self.buckets.map { bucket in
        SettingRelation(
            paths: [
                bucket.burst, bucket.rate, "cost.index.per_kib", "cost.index.base", "cost.other.per_kib",
                "cost.other.base", "limits.max_frame",
            ], severity: .error
        ) { draft in
            draft[keyPath: bucket.draft].quota.flatMap { Self.sentence(bucket.burst, burst: $0.burst, draft) }
        }
    }

    /// - Parameter key: of the burst in question.
    static func sentence(_ key: String, burst: Int, _ draft: SettingsDraft) -> String? {
        let frame = draft.settings.limits.frameBytesMax
        let costs = draft.settings.costs
        let (application, cost) =
            [("index", costs.index), ("other", costs.other)]
            .max { $0.1.tokens(bytes: frame) < $1.1.tokens(bytes: frame) } ?? ("index", costs.index)
        let tokens = cost.tokens(bytes: frame)
        guard burst < tokens else { return nil }
        return "\(key) (\(burst.grouped)) is smaller than the cost of the longest request (\(tokens.grouped) tokens: "
            + "cost.\(application).base + cost.\(application).per_kib x \(ByteSizeText.render(frame)) of max_frame), which "
            + "would never be admitted; raise it to at least \(tokens.grouped), or lower the cost or max_frame"
    }
}
