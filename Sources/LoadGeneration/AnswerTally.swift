import Histogram
import OAP

/// What one loop has counted.
struct AnswerTally: Sendable {
    /// Latencies are kept up to an hour; longer ones count as that.
    private static let latencyNanosecondsMax: UInt64 = 3_600_000_000_000

    /// Nanoseconds from the send to the completion of each answer.
    private(set) var latencies = Histogram<UInt64>(
        highestTrackableValue: Self.latencyNanosecondsMax, numberOfSignificantValueDigits: .three)
    private(set) var answers: UInt64 = 0
    private(set) var successes: UInt64 = 0
    /// By `ErrorCode.rawValue`: answers whose body named the code that belongs to their status.
    private(set) var errors = [UInt64](repeating: 0, count: ErrorCode.allCases.count)
    /// Statuses other than 200 without a code that belongs to them.
    private(set) var otherStatuses: [UInt16: UInt64] = [:]
    /// Answers whose payload was not what their status promises.
    var invalidAnswers: UInt64 = 0
    /// Frames that answer nothing that was asked, or that no gateway may send.
    var unexpectedFrames: UInt64 = 0
    /// Requests whose connection was lost, or that nothing was heard of until the end.
    var unanswered: UInt64 = 0
    private(set) var losses: [ConnectionLoss: UInt64] = [:]
    /// Connections that the gateway has asked to end.
    var goAways: UInt64 = 0
    var bytesOut: UInt64 = 0
    var bytesIn: UInt64 = 0
    var startNanoseconds: UInt64 = 0
    /// When the last answer came; the start when none did.
    var endNanoseconds: UInt64 = 0

    var connectionsLost: UInt64 { self.losses.values.reduce(0, +) }

    @inline(__always)
    mutating func record(latencyNanoseconds: UInt64, count: UInt64) {
        let latency = min(latencyNanoseconds, Self.latencyNanosecondsMax)
        _ = self.latencies.record(latency, count: count)
        self.answers += count
    }

    @inline(__always)
    mutating func succeeded() { self.successes += 1 }

    /// - Parameter code: nil when the body named none that belongs to `status`.
    mutating func failed(_ status: UInt16, _ code: ErrorCode?) {
        if let code {
            self.errors[Int(code.rawValue)] += 1
        } else {
            self.otherStatuses[status, default: 0] += 1
        }
    }

    mutating func lost(_ loss: ConnectionLoss) { self.losses[loss, default: 0] += 1 }

    /// Adds what another loop of the same run has counted.
    mutating func add(_ other: AnswerTally) {
        self.latencies.add(other.latencies)
        self.answers += other.answers
        self.successes += other.successes
        for index in self.errors.indices { self.errors[index] += other.errors[index] }
        self.otherStatuses.merge(other.otherStatuses, uniquingKeysWith: +)
        self.invalidAnswers += other.invalidAnswers
        self.unexpectedFrames += other.unexpectedFrames
        self.unanswered += other.unanswered
        self.losses.merge(other.losses, uniquingKeysWith: +)
        self.goAways += other.goAways
        self.bytesOut += other.bytesOut
        self.bytesIn += other.bytesIn
        self.startNanoseconds = min(self.startNanoseconds, other.startNanoseconds)
        self.endNanoseconds = max(self.endNanoseconds, other.endNanoseconds)
    }
}
