import Gateway
import GatewayTesting
import OAP
import Testing

/// Everything is counted where it happens, once.
@Suite struct CountingTests {
    @Test func answersAreCountedByApplicationAndStatus() {
        var harness = CoreHarness()
        harness.connect(0)
        _ = harness.order(.hello())
        _ = harness.order(.ping())
        _ = harness.order(.ping(String(repeating: "x", count: 65)))
        _ = harness.order(.request(application: 500, [], correlation: 1))
        harness.finish(harness.open(2))
        _ = harness.core.fail(harness.open(3), .notFound, nowNanoseconds: harness.now)
        _ = harness.core.fail(harness.open(4), .indexUnavailable, nowNanoseconds: harness.now)
        for (series, count) in [
            "requests_total{app=\"control\",status=\"200\"}": "2",
            "requests_total{app=\"control\",status=\"400\"}": "1",
            "requests_total{app=\"other\",status=\"404\"}": "1", "requests_total{app=\"index\",status=\"200\"}": "1",
            "requests_total{app=\"index\",status=\"404\"}": "1", "requests_total{app=\"index\",status=\"500\"}": "1",
            "rejected_total{reason=\"bad_request\"}": "1", "rejected_total{reason=\"unknown_app\"}": "1",
            "rejected_total{reason=\"not_found\"}": "0", "rejected_total{reason=\"index_unavailable\"}": "1",
            "index_failures_total": "1", "connections": "1", "connections_accepted_total": "1",
        ] {
            #expect(harness.metric(series) == count, "\(series)")
        }
    }

    /// Every code has a cell for its status, so that none is counted as another.
    @Test func everyCodeIsCountedUnderItsOwnStatus() {
        for code in ErrorCode.allCases {
            var harness = CoreHarness()
            harness.connect(0)
            _ = harness.core.fail(harness.open(1), code, nowNanoseconds: harness.now)
            #expect(harness.metric("requests_total{app=\"index\",status=\"\(code.status)\"}") == "1", "\(code)")
            let isResult = code == .notFound || code == .etagMismatch
            #expect(harness.metric("rejected_total{reason=\"\(code.name)\"}") == (isResult ? "0" : "1"), "\(code)")
        }
    }

    @Test func connectionsAreCountedByTheirEnd() {
        var harness = CoreHarness()
        for (slot, reason) in GatewayMetrics.CloseReason.allCases.enumerated() {
            harness.connect(slot)
            #expect(harness.metric("connections") == "1")
            harness.core.disconnected(slot, reason: reason, nowNanoseconds: harness.now)
            #expect(harness.metric("connections_closed_total{reason=\"\(reason.rawValue)\"}") == "1")
        }
        harness.core.connectionRefused(.connectionsMax)
        #expect(harness.metric("connections_closed_total{reason=\"connections_max\"}") == "2")
        #expect(harness.metric("connections") == "0")
    }

    private static func latencies(_ harness: borrowing CoreHarness, _ app: String) -> [String: String?] {
        [
            "count": harness.metric("latency_seconds_count{app=\"\(app)\"}"),
            "sum": harness.metric("latency_seconds_sum{app=\"\(app)\"}"),
        ]
    }

    /// What arrived in this turn has the turn's latency, what arrived earlier its own; each is observed once.
    @Test func latenciesAreObservedOnce() {
        var harness = CoreHarness()
        harness.connect(0)
        let late = harness.open(1)
        harness.endTurn(after: 500_000)
        #expect(Self.latencies(harness, "index")["count"] == "0", "nothing is answered yet")
        harness.advance(milliseconds: 2000)
        harness.finish(late)
        harness.finish(harness.open(2))
        _ = harness.order(.resolve("no key", correlation: 3))
        _ = harness.order(.ping())
        harness.endTurn(after: 250_000_000)
        harness.endTurn(after: 250_000_000)
        #expect(Self.latencies(harness, "index") == ["count": "3", "sum": "2.5"], "2 s, and twice 0.25 s")
        #expect(Self.latencies(harness, "control") == ["count": "1", "sum": "0.25"])
        #expect(harness.metric("latency_seconds_bucket{app=\"index\",le=\"0.25\"}") == "2")
        #expect(harness.metric("latency_seconds_bucket{app=\"index\",le=\"2.5\"}") == "3")
    }

    @Test func bytesOutAreCounted() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.outputSent(0, bytes: 100, nowNanoseconds: harness.now)
        harness.core.outputSent(0, bytes: 23, nowNanoseconds: harness.now)
        #expect(harness.metric("bytes_out_total") == "123")
    }
}
