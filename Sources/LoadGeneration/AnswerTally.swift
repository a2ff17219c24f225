internal import OAP
internal import Reactor

/// Answers by status and code, with expected and unexpected ones apart: a 404 is right for a key that was made up and
/// wrong for one that is there.
struct StatusTally: Sendable {
    private struct Other: Hashable {
        let status: UInt16
        let isExpected: Bool
    }

    /// Two counts, unexpected and expected: first of 200, then of each `ErrorCode.rawValue`.
    private var counts = [UInt64](repeating: 0, count: 2 * (1 + ErrorCode.allCases.count))
    /// Statuses without a code that belongs to them.
    private var others: [Other: UInt64] = [:]

    @inline(__always)
    mutating func succeeded(isExpected: Bool) { self.counts[isExpected ? 1 : 0] += 1 }

    /// - Parameter code: nil when the body named none that belongs to `status`.
    mutating func failed(_ status: UInt16, _ code: ErrorCode?, isExpected: Bool) {
        if let code {
            self.counts[2 + 2 * Int(code.rawValue) + (isExpected ? 1 : 0)] += 1
        } else {
            self.others[Other(status: status, isExpected: isExpected), default: 0] += 1
        }
    }

    mutating func add(_ other: StatusTally) {
        for index in self.counts.indices { self.counts[index] += other.counts[index] }
        self.others.merge(other.others, uniquingKeysWith: +)
    }

    struct Row {
        let status: UInt16
        /// Empty for 200, "?" without a code that belongs to the status.
        let code: String
        let count: UInt64
        let isExpected: Bool
    }

    /// Ascending; only what has occurred.
    var rows: [Row] {
        var rows: [Row] = []
        for isExpected in [false, true] {
            let place = isExpected ? 1 : 0
            rows.append(Row(status: 200, code: "", count: self.counts[place], isExpected: isExpected))
            for code in ErrorCode.allCases {
                let count = self.counts[2 + 2 * Int(code.rawValue) + place]
                rows.append(Row(status: code.status, code: code.name, count: count, isExpected: isExpected))
            }
        }
        for (other, count) in self.others {
            rows.append(Row(status: other.status, code: "?", count: count, isExpected: other.isExpected))
        }
        return rows.filter { $0.count > 0 }.sorted {
            ($0.status, $0.code, $0.isExpected ? 1 : 0) < ($1.status, $1.code, $1.isExpected ? 1 : 0)
        }
    }
}

/// What one loop has counted of the requests that were due in the measured time.
struct AnswerTally: Sendable {
    /// From due to answer, from send to answer, from due to send: nanoseconds.
    private(set) var latencies = TimeHistogram()
    private(set) var serviceTimes = TimeHistogram()
    private(set) var scheduleLags = TimeHistogram()
    /// What of the schedule lag passed while a slot was free: the generator's own delay.
    private(set) var ownLags = TimeHistogram()
    private(set) var connectTimes = TimeHistogram()
    var due: UInt64 = 0
    var sent: UInt64 = 0
    private(set) var answers: UInt64 = 0
    private(set) var successes: UInt64 = 0
    private(set) var statuses = StatusTally()
    /// Answers whose payload was not what their status promises.
    private(set) var invalidAnswers: UInt64 = 0
    /// Frames that answer nothing that was asked, or that no gateway may send.
    var unexpectedFrames: UInt64 = 0
    /// Requests whose connection was lost, or that nothing was heard of until the end.
    var unanswered: UInt64 = 0
    private(set) var losses: [ConnectionLoss: UInt64] = [:]
    /// Connections that the gateway has asked to end.
    var goAways: UInt64 = 0
    /// Connections that were begun in mid-run.
    var connects: UInt64 = 0
    var bytesOut: UInt64 = 0
    var bytesIn: UInt64 = 0
    /// When the last answer came; 0 when none did.
    var lastAnswerNanoseconds: UInt64 = 0
    var generator = LoopAccount()

    /// An answer with status 200.
    @inline(__always)
    mutating func answered(isExpected: Bool, isValid: Bool) {
        self.statuses.succeeded(isExpected: isExpected)
        self.count(isExpected, isValid)
    }

    /// An answer with another status.
    mutating func refused(_ status: UInt16, _ code: ErrorCode?, isExpected: Bool, isValid: Bool) {
        self.statuses.failed(status, code, isExpected: isExpected)
        self.count(isExpected, isValid)
    }

    @inline(__always)
    private mutating func count(_ isExpected: Bool, _ isValid: Bool) {
        self.answers += 1
        if !isValid { self.invalidAnswers += 1 }
        if isValid && isExpected { self.successes += 1 }
    }

    /// The times of `count` answers that were due, sent and answered together.
    @inline(__always)
    mutating func record(latencyNanoseconds: UInt64, serviceNanoseconds: UInt64?, count: UInt64) {
        self.latencies.record(latencyNanoseconds, count: count)
        if let serviceNanoseconds { self.serviceTimes.record(serviceNanoseconds, count: count) }
    }

    @inline(__always)
    mutating func record(lagNanoseconds: UInt64, ownNanoseconds: UInt64, count: UInt64) {
        self.scheduleLags.record(lagNanoseconds, count: count)
        self.ownLags.record(ownNanoseconds, count: count)
    }

    /// A connection that was opened in mid-run has been established.
    mutating func connected(nanoseconds: UInt64) { self.connectTimes.record(nanoseconds, count: 1) }

    mutating func lost(_ loss: ConnectionLoss) { self.losses[loss, default: 0] += 1 }

    /// The most frequent first.
    var lossRows: [(loss: ConnectionLoss, count: UInt64)] {
        self.losses.map { (loss: $0.key, count: $0.value) }.sorted {
            ($1.count, $0.loss.sentence) < ($0.count, $1.loss.sentence)
        }
    }

    /// Adds what another loop of the same run has counted.
    mutating func add(_ other: AnswerTally) {
        self.latencies.add(other.latencies)
        self.serviceTimes.add(other.serviceTimes)
        self.scheduleLags.add(other.scheduleLags)
        self.ownLags.add(other.ownLags)
        self.connectTimes.add(other.connectTimes)
        self.due += other.due
        self.sent += other.sent
        self.answers += other.answers
        self.successes += other.successes
        self.statuses.add(other.statuses)
        self.invalidAnswers += other.invalidAnswers
        self.unexpectedFrames += other.unexpectedFrames
        self.unanswered += other.unanswered
        self.losses.merge(other.losses, uniquingKeysWith: +)
        self.goAways += other.goAways
        self.connects += other.connects
        self.bytesOut += other.bytesOut
        self.bytesIn += other.bytesIn
        self.lastAnswerNanoseconds = max(self.lastAnswerNanoseconds, other.lastAnswerNanoseconds)
        self.generator.add(other.generator)
    }
}
