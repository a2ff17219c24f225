import Gateway
import GatewayTesting
import OAP
import Testing

/// Goal: answers that were given are delivered to a peer that takes them, however slowly its rules allow, and are held
/// for no longer than those rules for one that does not.
@Suite struct PendingOutputTests {
    private func limits() -> GatewayLimits {
        var limits = GatewayLimits()
        limits.idleTimeoutNanoseconds = 10_000 * CoreHarness.millisecond
        limits.outputStallTimeoutNanoseconds = 5_000 * CoreHarness.millisecond
        limits.drainDeadlineNanoseconds = 30_000 * CoreHarness.millisecond
        return limits
    }

    @Test func unsentAnswersAreNotIdleness() throws {
        var harness = CoreHarness(limits: self.limits())
        harness.connect(0)
        harness.core.outputAppended(0)
        let first = harness.nextExpiry(withinMilliseconds: 60_000)
        #expect(first?.1 == .outputStalled, "an orderly end would cut the answer")
    }

    @Test func bytesThatLeaveStartTheIdleTimeAgain() {
        var harness = CoreHarness(limits: self.limits())
        harness.connect(0)
        harness.core.outputAppended(0)
        for _ in 0..<5 {
            harness.advance(milliseconds: 8000)
            let tooEarly = harness.expired()
            #expect(tooEarly.isEmpty)
            harness.core.outputSent(0, bytes: 1, nowNanoseconds: harness.now)
        }
        harness.advance(milliseconds: 10_200)
        let ends = harness.expired().map(\.expiry)
        #expect(ends == [.outputStalled])
    }

    @Test func aDrainWaitsForUnsentAnswers() {
        var harness = CoreHarness(limits: self.limits())
        harness.connect(0)
        harness.core.outputAppended(0)
        harness.core.drain(nowNanoseconds: harness.now)
        _ = harness.core.goAway(0, nowNanoseconds: harness.now)
        for _ in 0..<6 {
            harness.advance(milliseconds: 3000)
            let tooEarly = harness.expired()
            #expect(tooEarly.isEmpty, "the drain's own deadline decides")
            harness.core.outputSent(0, bytes: 1000, nowNanoseconds: harness.now)
        }
        let action1 = harness.core.outputEmptied(0, nowNanoseconds: harness.now)
        #expect(action1 == .none)
        let end = harness.nextExpiry(withinMilliseconds: 5000)
        #expect(end?.1 == .drained)
        #expect((end?.afterMilliseconds ?? 9999) < 500, "quiet begins when the last byte has left")
    }

    @Test func aLastAnswerMayTakeAsLongAsItMakesProgress() {
        var harness = CoreHarness(limits: self.limits())
        harness.connect(0)
        harness.core.outputAppended(0)
        let action2 = harness.core.closing(0, outputEmpty: false, nowNanoseconds: harness.now)
        #expect(action2 == .none)
        for _ in 0..<5 {
            harness.advance(milliseconds: 4000)
            let tooEarly = harness.expired()
            #expect(tooEarly.isEmpty)
            harness.core.outputSent(0, bytes: 70_000, nowNanoseconds: harness.now)
        }
        harness.advance(milliseconds: 4000)
        harness.core.outputSent(0, bytes: 100, nowNanoseconds: harness.now)
        harness.advance(milliseconds: 1200)
        let ends = harness.expired().map(\.expiry)
        #expect(ends == [.lingerEnded], "a trickle is no progress")
    }

    @Test(arguments: [true, false]) func aRefusedPeerThatHalfClosesIsNotKept(endsFirst: Bool) {
        var harness = CoreHarness(limits: self.limits())
        harness.connect(0)
        harness.core.outputAppended(0)
        if endsFirst { _ = harness.core.peerEnded(0, outputEmpty: false) }
        let action4 = harness.core.closing(0, outputEmpty: false, nowNanoseconds: harness.now)
        #expect(action4 == .none)
        if !endsFirst { _ = harness.core.peerEnded(0, outputEmpty: false) }
        let serves = harness.core.serves(0)
        #expect(!serves)
        let end = harness.nextExpiry(withinMilliseconds: 60_000)
        #expect(end?.1 == .lingerEnded)
        #expect((end?.afterMilliseconds ?? 99_999) < 5500, "the last answer's time, not the idle time")
    }

    @Test func aRefusedPeerThatHasEndedNeedsNoLinger() {
        var harness = CoreHarness(limits: self.limits())
        harness.connect(0)
        harness.core.outputAppended(0)
        let action6 = harness.core.closing(0, outputEmpty: false, nowNanoseconds: harness.now)
        #expect(action6 == .none)
        let action7 = harness.core.peerEnded(0, outputEmpty: false)
        #expect(action7 == .none)
        let action8 = harness.core.outputEmptied(0, nowNanoseconds: harness.now)
        #expect(action8 == .close)
    }
}
