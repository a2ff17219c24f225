import LoadReport

/// What somebody who sees a report for the first time may not think of.
enum LoadHints {
    static func of(_ report: LoadReport) -> [String] {
        let answers = report.outcome.answers
        guard answers > 0 else { return Self.silence(report).map { [$0] } ?? [] }
        var hints: [String] = []
        let unexpected = report.statuses.filter { !$0.isExpected }
        func share(_ code: String) -> Double {
            Double(unexpected.filter { $0.code == code }.reduce(0) { $0 + $1.count }) / Double(answers)
        }
        if share("not_found") > 0.5 {
            hints.append(
                "most keys are not in this gateway's index: name others with --keys FILE (ronctl index export writes "
                    + "one), import configs/sample-index.jsonl there, or expect it with --expect 200,404")
        }
        if share("too_many_inflight") > 0 {
            hints.append(
                "more requests were in flight on a connection than the gateway takes (its limits.max_inflight): use a "
                    + "smaller --depth and more --connections")
        }
        if share("overloaded") > 0 {
            hints.append(
                "more requests were in flight than the gateway takes in all (its oap_concurrency); in an open loop that "
                    + "is what a rate above its means looks like")
        }
        if share("quota_exhausted") + share("ingress_exhausted") > 0 {
            hints.append(
                "the gateway's quotas refused requests: it may be healthy, and the rate is beyond what it allows")
        }
        return hints
    }

    /// Nothing was answered.
    private static func silence(_ report: LoadReport) -> String? {
        guard report.outcome.requestsSent > 0 || report.outcome.connectionsLost > 0 else { return nil }
        return "\(report.plan.server) has answered nothing: is it an OAP/1 port?"
    }
}
