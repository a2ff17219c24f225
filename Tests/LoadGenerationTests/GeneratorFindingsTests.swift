import Reactor
import Testing

@testable import LoadGeneration

/// Whose fault it was, from numbers alone.
@Suite struct GeneratorFindingsTests {
    private static let second: UInt64 = 1_000_000_000

    private static func plan(_ mode: LoadMode = .open(ArrivalPlan(rate: 1000))) -> LoadPlan {
        var plan = LoadPlan(server: SocketAddress(host: "127.0.0.1", port: 1))
        plan.mode = mode
        return plan
    }

    private static func tally(
        running: Double = 0.2, waiting: Double = 0, due: UInt64 = 1000, backlog: UInt64 = 0, blocked: Double = 0,
        ownLag: UInt64 = 20_000, latency: UInt64 = 100_000, inFlight: Int = 50
    ) -> AnswerTally {
        var tally = AnswerTally()
        tally.due = due
        tally.sent = due
        tally.record(lagNanoseconds: ownLag, ownNanoseconds: ownLag, count: due)
        tally.record(latencyNanoseconds: latency, serviceNanoseconds: latency, count: due)
        tally.generator.backlog = backlog
        tally.generator.blockedNanoseconds = UInt64(blocked * Double(Self.second))
        tally.generator.inFlight(inFlight, forNanoseconds: Self.second)
        tally.answered(isExpected: true, isValid: true)
        let thread = ThreadTime(
            runningNanoseconds: UInt64(running * Double(Self.second)),
            waitingNanoseconds: UInt64(waiting * Double(Self.second)))
        tally.generator.close(elapsedNanoseconds: Self.second, thread: thread)
        return tally
    }

    @Test func aRunWithinItsMeansIsClean() {
        let findings = GeneratorFindings(Self.plan(), Self.tally())
        #expect(findings.bottlenecks.isEmpty && findings.notes.isEmpty)
    }

    /// A thread that never sleeps is as late with what it reads as with what it sends.
    @Test func aBusyThreadThatIsLateIsABottleneck() throws {
        let late = GeneratorFindings(Self.plan(), Self.tally(running: 0.97, ownLag: 150_000))
        let sentence = try #require(late.bottlenecks.first)
        #expect(sentence.contains("97 %") && sentence.contains("150 us"))
        // A tenth of what the server takes itself does not matter.
        let slow = GeneratorFindings(Self.plan(), Self.tally(running: 0.97, ownLag: 150_000, latency: 2_000_000))
        #expect(slow.bottlenecks.isEmpty && slow.notes.count == 1)
        #expect(GeneratorFindings(Self.plan(), Self.tally(running: 0.97)).bottlenecks.isEmpty)
        #expect(GeneratorFindings(Self.plan(), Self.tally(running: 0.94, ownLag: 150_000)).bottlenecks.isEmpty)
    }

    @Test func aThreadWithoutAProcessorIsABottleneck() throws {
        let findings = GeneratorFindings(Self.plan(), Self.tally(running: 0.5, waiting: 0.48, ownLag: 300_000))
        let sentence = try #require(findings.bottlenecks.first)
        #expect(sentence.contains("50 %") && sentence.contains("48 %"))
    }

    /// A millisecond is forgiven, and so is a tenth of what the server takes itself.
    @Test func lateSendsAreABottleneck() {
        #expect(GeneratorFindings(Self.plan(), Self.tally(ownLag: 900_000)).bottlenecks.isEmpty)
        #expect(GeneratorFindings(Self.plan(), Self.tally(ownLag: 3_000_000)).bottlenecks.count == 1)
        let slow = Self.tally(ownLag: 3_000_000, latency: 40_000_000)
        #expect(GeneratorFindings(Self.plan(), slow).bottlenecks.isEmpty)
    }

    /// Whoever says that a lag may be does not get it hidden.
    @Test func anAllowedLagIsANote() throws {
        var plan = Self.plan()
        plan.scheduleLagMaxNanoseconds = 10_000_000
        let late = GeneratorFindings(plan, Self.tally(ownLag: 3_000_000))
        #expect(late.bottlenecks.isEmpty)
        #expect(try #require(late.notes.first).contains("and 10.0 ms are allowed"))
        #expect(GeneratorFindings(plan, Self.tally(ownLag: 11_000_000)).bottlenecks.count == 1)
        // A thread without a pause is not merely late.
        #expect(GeneratorFindings(plan, Self.tally(running: 0.97, ownLag: 3_000_000)).bottlenecks.count == 1)
        #expect(GeneratorFindings(plan, Self.tally()).notes.isEmpty)
        // At 1,000 a second that is as much as 20 of 1,000 that had not left at the end; 30 are not.
        plan.scheduleLagMaxNanoseconds = 20_000_000
        let unsent = GeneratorFindings(plan, Self.tally(backlog: 20))
        #expect(unsent.bottlenecks.isEmpty)
        #expect(try #require(unsent.notes.first).contains("it had sent 980"))
        #expect(GeneratorFindings(plan, Self.tally(backlog: 30)).bottlenecks.count == 1)
        // A twentieth of all is not late, it is not sent.
        plan.scheduleLagMaxNanoseconds = 100_000_000
        #expect(GeneratorFindings(plan, Self.tally(backlog: 50)).bottlenecks.isEmpty)
        #expect(GeneratorFindings(plan, Self.tally(backlog: 51)).bottlenecks.count == 1)
        // One that is stricter than usual holds as well.
        plan.scheduleLagMaxNanoseconds = 500_000
        #expect(GeneratorFindings(plan, Self.tally(ownLag: 900_000)).bottlenecks.count == 1)
    }

    @Test func aBacklogWithFreeConnectionsIsABottleneck() {
        #expect(GeneratorFindings(Self.plan(), Self.tally(backlog: 20)).bottlenecks.count == 1)
        #expect(GeneratorFindings(Self.plan(), Self.tally(backlog: 9)).bottlenecks.isEmpty)
    }

    /// The server was slow; the generator had done its part for a fifth of a processor.
    @Test func aBacklogBehindTheServerIsNone() {
        let findings = GeneratorFindings(Self.plan(), Self.tally(backlog: 500, blocked: 0.9))
        #expect(findings.bottlenecks.isEmpty)
        #expect(findings.notes.count == 1)
    }

    /// The server was slow, and it would not have helped if it had not been.
    @Test func aRateBeyondItsMeansIsABottleneckBehindASlowServerToo() throws {
        let findings = GeneratorFindings(
            Self.plan(), Self.tally(running: 0.5, due: 100_000, backlog: 90_000, blocked: 0.99))
        let sentence = try #require(findings.bottlenecks.first)
        #expect(sentence.contains("50 %") && sentence.contains("10000 of the 100000"))
        // 120 % of a processor: not certain, since larger batches cost less.
        let doubtful = GeneratorFindings(Self.plan(), Self.tally(running: 0.6, backlog: 500, blocked: 0.9))
        #expect(doubtful.bottlenecks.isEmpty && doubtful.notes.count == 2)
    }

    @Test func aClosedLoopOnlyNotes() {
        let busy = GeneratorFindings(Self.plan(.closed), Self.tally(running: 0.99))
        #expect(busy.bottlenecks.isEmpty && busy.notes.count == 1)
        let shallow = GeneratorFindings(Self.plan(.closed), Self.tally(inFlight: 40))
        #expect(shallow.bottlenecks.isEmpty && shallow.notes.count == 1)
        #expect(GeneratorFindings(Self.plan(.closed), Self.tally()).notes.isEmpty)
    }
}
