import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

/// Requests that are answered at once need no place among the open ones, and one permit a turn.
@Suite struct PassingRequestTests {
    @Test func aTurnsRequestsPassUnderOnePermit() throws {
        var harness = CoreHarness(openMax: 1, answersAtOnce: true)
        harness.connect(0)
        for correlation in 1...3 as ClosedRange<UInt64> {
            #expect(harness.order(.resolve("name:site", correlation: correlation)) == .lookUp)
            #expect(harness.admission.concurrency.openCount == 1)
            let last = Self.lastRequest(harness)
            let request = try #require(last)
            #expect(request.correlation == correlation)
            harness.core.answered(request)
        }
        #expect(harness.core.openCount == 0)
        #expect(harness.metric("requests_total{app=\"index\",status=\"200\"}") == "3")
        harness.endTurn(after: 1000)
        #expect(harness.admission.concurrency.openCount == 0)
        #expect(harness.metric("latency_seconds_count{app=\"index\"}") == "3")
    }

    /// The limit holds between workers: while one passes requests, the others' count against what is left.
    @Test func theLimitHoldsForPassingRequests() {
        var harness = CoreHarness(openMax: 1, answersAtOnce: true)
        harness.connect(0)
        guard let elsewhere = harness.admission.concurrency.acquire() else {
            Issue.record("the only permit is taken")
            return
        }
        #expect(harness.order(.resolve("name:site", correlation: 1)) == .refused(.overloaded))
        _ = consume elsewhere
        #expect(harness.order(.resolve("name:site", correlation: 2)) == .lookUp)
        let isSpent = harness.admission.concurrency.acquire() == nil
        #expect(isSpent)
    }

    /// Only a key that was not found is looked at: what an index holds is well-formed.
    @Test(arguments: ["no key", "name:", "b3:12", "name:a\u{7}"]) func aMalformedKeyIsABadRequest(key: String) throws {
        var harness = CoreHarness(answersAtOnce: true)
        harness.connect(0)
        #expect(harness.order(.resolve(key, correlation: 1)) == .lookUp)
        let bytes: [UInt8] = Array(key.utf8)
        let last = Self.lastRequest(harness)
        let request = try #require(last)
        for code in [ErrorCode.notFound, .indexUnavailable] {
            let refusal = harness.core.failed(request, bytes.span, code)
            #expect(refusal.code == .badRequest)
        }
        #expect(harness.metric("index_failures_total") == "0")
    }

    @Test(arguments: [0, 512]) func aKeyOfNoPossibleLengthIsNotLookedUp(bytes: Int) {
        var harness = CoreHarness(answersAtOnce: true)
        harness.connect(0)
        let frame = WireFrame.resolve(String(repeating: "n", count: bytes), correlation: 1)
        #expect(harness.order(frame) == .refused(.badRequest))
    }

    private static func lastRequest(_ harness: borrowing CoreHarness) -> FrameHeader? { harness.lastRequest }

    @Test func aFailedLookUpIsCountedOnce() throws {
        var harness = CoreHarness(answersAtOnce: true)
        let key: [UInt8] = Array("name:site".utf8)
        harness.connect(0)
        _ = harness.order(.resolve("name:gone", correlation: 7))
        let first = Self.lastRequest(harness)
        let absent = harness.core.failed(try #require(first), key.span, .notFound)
        #expect(absent.header.correlation == 7)
        _ = harness.order(.resolve("name:site", correlation: 8))
        let second = Self.lastRequest(harness)
        let broken = harness.core.failed(try #require(second), key.span, .indexUnavailable)
        #expect(broken.retryAfterMilliseconds == 1000)
        #expect(harness.metric("requests_total{app=\"index\",status=\"404\"}") == "1")
        #expect(harness.metric("requests_total{app=\"index\",status=\"500\"}") == "1")
        #expect(harness.metric("rejected_total{reason=\"index_unavailable\"}") == "1")
        #expect(harness.metric("index_failures_total") == "1")
    }

    /// Requests for many keys, and those of the admin port, are open requests as ever: they take the turn's permit along.
    @Test func othersAreOpenRequests() {
        var harness = CoreHarness(openMax: 1, answersAtOnce: true)
        harness.connect(0)
        #expect(harness.order(.resolve("name:site", correlation: 1)) == .lookUp)
        let key: [UInt8] = Array("name:site".utf8)
        guard case .resolve(let ticket) = harness.core.adminResolve(key.span, nowNanoseconds: harness.now) else {
            Issue.record("an admin resolve is answered to a ticket")
            return
        }
        #expect(harness.core.openCount == 1)
        #expect(harness.order(.resolve("name:site", correlation: 2)) == .refused(.overloaded))
        harness.finish(ticket)
        #expect(harness.order(.resolve("name:site", correlation: 3)) == .lookUp)
    }
}
