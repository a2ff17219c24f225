import Gateway
import GatewayTesting
import OAP
import Testing

/// Deadlines of sessions and requests on a clock that only tests move. A timer fires at most one wheel bucket (68 ms)
/// late.
@Suite struct WorkerCoreTimeTests {
    static let bucketMilliseconds: UInt64 = 68

    /// `deadline` and up to one bucket more.
    private static func isAround(_ milliseconds: UInt64?, _ deadline: UInt64) -> Bool {
        guard let milliseconds else { return false }
        return (deadline...(deadline + Self.bucketMilliseconds)).contains(milliseconds)
    }

    private static func expect(
        _ harness: inout CoreHarness, _ expiry: SessionExpiry, afterMilliseconds deadline: UInt64,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = harness.nextExpiry(withinMilliseconds: deadline * 2 + 1000)
        #expect(found?.1 == expiry, sourceLocation: sourceLocation)
        #expect(
            Self.isAround(found?.afterMilliseconds, deadline),
            "\(found?.afterMilliseconds ?? 0) ms instead of \(deadline)",
            sourceLocation: sourceLocation)
    }

    @Test func aSilentSessionIsIdle() {
        var harness = CoreHarness()
        harness.connect(0)
        Self.expect(&harness, .idle, afterMilliseconds: 60_000)
    }

    @Test func aFrameStartsTheIdleTimeAgain() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.advance(milliseconds: 59_000)
        #expect(harness.order(.ping()) == .echo)
        Self.expect(&harness, .idle, afterMilliseconds: 60_000)
    }

    /// A session is idle when nothing has been open for the whole time: the answer to a slow request starts it again.
    @Test func anAnswerStartsTheIdleTimeAgain() {
        var limits = GatewayLimits()
        limits.idleTimeoutNanoseconds = 1000 * CoreHarness.millisecond
        var harness = CoreHarness(limits: limits)
        harness.connect(0)
        let ticket = harness.open(1)
        let whileOpen = harness.nextExpiry(withinMilliseconds: 4000)
        #expect(whileOpen == nil, "nothing is idle while a request is open")
        harness.now = 1_004_000 * CoreHarness.millisecond
        harness.finish(ticket)
        let found = harness.nextExpiry(withinMilliseconds: 100_000)
        #expect(found?.1 == .idle)
        #expect((found?.afterMilliseconds ?? 0) >= 1000, "its client has had no time to ask again")
    }

    @Test func aFrameThatDoesNotGoOnExpires() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.advance(milliseconds: 10)
        harness.core.partialReceived(0, bytes: 40, nowNanoseconds: harness.now)
        Self.expect(&harness, .partialFrame, afterMilliseconds: 5000)
    }

    /// A byte now and then is no progress; 4 KiB within the time is.
    @Test func trickledBytesAreNoProgress() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.partialReceived(0, bytes: 40, nowNanoseconds: harness.now)
        let start = harness.now
        var expiry: SessionExpiry?
        while expiry == nil, harness.now < start + 20_000 * CoreHarness.millisecond {
            harness.advance(milliseconds: 500)
            harness.core.partialReceived(0, bytes: 1, nowNanoseconds: harness.now)
            expiry = harness.expired().first?.expiry
        }
        #expect(expiry == .partialFrame)
        #expect((harness.now - start) / CoreHarness.millisecond <= 5500)
    }

    @Test func aFrameThatMakesProgressIsNotIdle() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.partialReceived(0, bytes: 40, nowNanoseconds: harness.now)
        for _ in 0..<50 {
            harness.advance(milliseconds: 4000)
            harness.core.partialReceived(0, bytes: 4096, nowNanoseconds: harness.now)
            guard harness.expired().isEmpty else {
                Issue.record("it ended although bytes arrive")
                return
            }
        }
        harness.core.partialEnded(0, nowNanoseconds: harness.now)
        #expect(harness.order(.ping()) == .echo)
        Self.expect(&harness, .idle, afterMilliseconds: 60_000)
    }

    @Test func outputThatNobodyReadsExpires() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.outputStalled(0, nowNanoseconds: harness.now)
        harness.advance(milliseconds: 3000)
        harness.core.outputSent(0, bytes: 1000, nowNanoseconds: harness.now)
        let found = harness.nextExpiry(withinMilliseconds: 10_000)
        #expect(found?.1 == .outputStalled)
        #expect(Self.isAround(found?.afterMilliseconds, 2000), "1000 bytes are not enough progress")
    }

    @Test func outputThatMovesIsNotIdle() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.outputStalled(0, nowNanoseconds: harness.now)
        for _ in 0..<50 {
            harness.advance(milliseconds: 4000)
            harness.core.outputSent(0, bytes: 65_536, nowNanoseconds: harness.now)
            guard harness.expired().isEmpty else {
                Issue.record("it ended although bytes leave")
                return
            }
        }
        harness.core.outputResumed(0, nowNanoseconds: harness.now)
        #expect(harness.order(.ping()) == .echo)
        Self.expect(&harness, .idle, afterMilliseconds: 60_000)
    }

    // MARK: Ends

    @Test func aRefusedSessionLingers() {
        var harness = CoreHarness()
        harness.connect(0)
        let closing = harness.core.closing(0, outputEmpty: false, nowNanoseconds: harness.now)
        #expect(closing == .none, "the answer goes first")
        #expect(harness.core.serves(0) == false)
        let emptied = harness.core.outputEmptied(0, nowNanoseconds: harness.now)
        #expect(emptied == .shutdownWrite)
        let within = harness.core.discarded(0, bytes: 262_144)
        #expect(within == .none)
        let beyond = harness.core.discarded(0, bytes: 1)
        #expect(beyond == .abort, "at most 256 KiB are read and discarded")
    }

    @Test func lingeringEndsWithThePeerOrWithTime() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.connect(1)
        for slot in 0..<2 {
            let action = harness.core.closing(slot, outputEmpty: true, nowNanoseconds: harness.now)
            #expect(action == .shutdownWrite)
        }
        let ended = harness.core.peerEnded(0, outputEmpty: true)
        #expect(ended == .close)
        harness.core.disconnected(0, reason: .refused, nowNanoseconds: harness.now)
        Self.expect(&harness, .lingerEnded, afterMilliseconds: 1000)
    }

    @Test func anAnswerThatCannotLeaveDoesNotHoldItsSession() {
        var harness = CoreHarness()
        harness.connect(0)
        _ = harness.core.closing(0, outputEmpty: false, nowNanoseconds: harness.now)
        Self.expect(&harness, .lingerEnded, afterMilliseconds: 5000)
    }

    @Test func aHalfClosedSessionEndsWithItsLastAnswer() {
        var harness = CoreHarness()
        harness.connect(0)
        let ticket = harness.open(1)
        let ended = harness.core.peerEnded(0, outputEmpty: true)
        #expect(ended == .none)
        harness.finish(ticket)
        let emptied = harness.core.outputEmptied(0, nowNanoseconds: harness.now)
        #expect(emptied == .close)
        harness.connect(1)
        let quiet = harness.core.peerEnded(1, outputEmpty: true)
        #expect(quiet == .close, "nothing is open and nothing unsent")
        harness.connect(2)
        let unsent = harness.core.peerEnded(2, outputEmpty: false)
        #expect(unsent == .none)
    }

    // MARK: Requests and drains

    @Test func requestsAreOverdueInTheirOrder() {
        var harness = CoreHarness()
        harness.connect(0)
        let first = harness.open(1)
        harness.advance(milliseconds: 100)
        let second = harness.open(2)
        harness.advance(milliseconds: 100)
        let third = harness.open(3)
        harness.finish(second)
        let early = harness.core.overdue(nowNanoseconds: harness.now)
        #expect(early == nil)
        let deadline = harness.core.nextDeadlineNanoseconds()
        #expect(deadline == harness.now + 4800 * CoreHarness.millisecond)
        harness.advance(milliseconds: 4799)
        #expect(harness.core.overdue(nowNanoseconds: harness.now) == nil)
        harness.advance(milliseconds: 1)
        #expect(harness.core.overdue(nowNanoseconds: harness.now) == first)
        let refusal = harness.core.fail(first, .deadlineExceeded, nowNanoseconds: harness.now)
        #expect(refusal?.code == .deadlineExceeded && refusal?.header.correlation == 1)
        #expect(harness.core.overdue(nowNanoseconds: harness.now) == nil)
        harness.advance(milliseconds: 200)
        #expect(harness.core.overdue(nowNanoseconds: harness.now) == third)
    }

    @Test func aDrainEndsQuietSessions() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.connect(1)
        let ticket = harness.open(1, on: 1)
        harness.core.drain(nowNanoseconds: harness.now)
        for slot in 0..<2 {
            let event = harness.core.goAway(slot, nowNanoseconds: harness.now)
            #expect(event?.header.flags == .event && event?.header.code == 1 && event?.header.application == 0)
            #expect(
                event.map { String(decoding: $0.payload, as: UTF8.self) } == #"{"reason":"drain","deadline_ms":10000}"#)
        }
        harness.advance(milliseconds: 300)
        let quiet = harness.expired()
        #expect(quiet.map(\.slot) == [0] && quiet.map(\.expiry) == [.drained], "the other one has a request open")
        harness.finish(ticket)
        let found = harness.nextExpiry(withinMilliseconds: 2000)
        #expect(found?.1 == .drained)
        let late = harness.core.goAway(0, nowNanoseconds: harness.now)
        #expect(late?.payload.isEmpty == false, "a session that is accepted late is told too")
    }

    @Test func aDrainHasADeadline() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.advance(milliseconds: 5)
        harness.core.drain(nowNanoseconds: harness.now)
        #expect(harness.core.drainDeadlineNanoseconds == harness.now + 10_000 * CoreHarness.millisecond)
        harness.advance(milliseconds: 5)
        let before = harness.core.drainDeadlineNanoseconds
        harness.core.drain(nowNanoseconds: harness.now)
        #expect(harness.core.drainDeadlineNanoseconds == before, "a second drain does not prolong the first")
        harness.core.disconnected(0, reason: .drain, nowNanoseconds: harness.now)
        #expect(harness.core.nextDeadlineNanoseconds() == before, "it is the core's next deadline")
    }

    /// Slots are used again: nothing of the last session's deadlines reaches the next.
    @Test func aReusedSlotHasItsOwnDeadlines() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.partialReceived(0, bytes: 1, nowNanoseconds: harness.now)
        harness.core.outputStalled(0, nowNanoseconds: harness.now)
        harness.advance(milliseconds: 4000)
        harness.core.disconnected(0, reason: .peer, nowNanoseconds: harness.now)
        #expect(harness.core.nextDeadlineNanoseconds() == nil)
        harness.connect(0, generation: 1)
        Self.expect(&harness, .idle, afterMilliseconds: 60_000)
    }
}
