internal import Gateway
internal import GatewayRuntime
internal import OAP
internal import Synchronization

/// Lookups that all workers' slow indexes have begun and not answered. Any thread.
final class LookupGauge: Sendable {
    private let pendingNow = Atomic<Int>(0)
    private let pendingPeak = Atomic<Int>(0)
    private let begunTotal = Atomic<Int>(0)

    /// The most that were ever pending at the same time.
    var peak: Int { self.pendingPeak.load(ordering: .acquiring) }
    var total: Int { self.begunTotal.load(ordering: .relaxed) }

    func began() {
        self.begunTotal.add(1, ordering: .relaxed)
        let (_, now) = self.pendingNow.add(1, ordering: .acquiringAndReleasing)
        _ = self.pendingPeak.max(now, ordering: .acquiringAndReleasing)
    }

    func ended() { self.pendingNow.subtract(1, ordering: .acquiringAndReleasing) }
}

/// An index that has every key and answers each lookup the same time later, as a service over a network does. The time
/// that it takes is nobody's processor time, so that what limits a gateway before it is how many may be open at once.
///
/// Keys of resolve-many, which are asked for without a ticket, are absent.
struct SlowIndex: WorkerIndex, ~Copyable {
    static var answersAtOnce: Bool { false }

    private struct Waiting {
        let dueNanoseconds: UInt64
        let answer: LateAnswer
    }

    private let delayNanoseconds: UInt64
    private let gauge: LookupGauge
    /// In the order of their time, which is the order they came in; those before `head` are answered.
    private var waiting: [Waiting] = []
    private var head = 0

    init(delayNanoseconds: UInt64, gauge: LookupGauge) {
        self.delayNanoseconds = delayNanoseconds
        self.gauge = gauge
    }

    mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        guard let ticket else { return .absent }
        self.gauge.began()
        self.waiting.append(
            Waiting(
                dueNanoseconds: nowNanoseconds + self.delayNanoseconds,
                answer: LateAnswer(ticket: ticket, outcome: .found, record: Self.record(key))))
        return .pending
    }

    /// As long as a usual record.
    private static func record(_ key: Span<UInt8>) -> [UInt8] {
        var writer = JSONWriter(capacity: 256 + key.count)
        writer.raw("{\"key\":")
        writer.string(key)
        writer.raw(",\"manifest\":null,\"providers\":[{\"id\":\"node-001.example\",\"region\":\"eu-west\",")
        writer.raw("\"score\":0.5},{\"id\":\"node-002.example\",\"region\":\"us-east\",\"score\":0.25}],")
        writer.raw("\"etag\":\"0000000000000001\"}")
        return writer.bytes
    }

    mutating func endTurn() {}

    var nextLateNanoseconds: UInt64? {
        self.head < self.waiting.count ? self.waiting[self.head].dueNanoseconds : nil
    }

    mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer? {
        guard self.head < self.waiting.count, self.waiting[self.head].dueNanoseconds <= nowNanoseconds else {
            return nil
        }
        let answer = self.waiting[self.head].answer
        self.head += 1
        if self.head == self.waiting.count || self.head == Self.answeredKept {
            self.waiting.removeFirst(self.head)
            self.head = 0
        }
        // Before the worker returns the permit: the other way round one more could be pending for a moment than there
        // are permits, without any mistake.
        self.gauge.ended()
        return answer
    }

    /// Answered entries are removed so many at a time.
    private static var answeredKept: Int { 4096 }
}
