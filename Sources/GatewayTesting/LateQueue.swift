internal import Gateway
internal import GatewayRuntime

/// Answers that are due later, in the order of their time.
struct LateQueue {
    private var answers: [(dueNanoseconds: UInt64, answer: LateAnswer)] = []

    var nextDueNanoseconds: UInt64? { self.answers.first?.dueNanoseconds }

    mutating func add(_ answer: LateAnswer, dueNanoseconds: UInt64) {
        let index = self.answers.firstIndex { $0.dueNanoseconds > dueNanoseconds } ?? self.answers.count
        self.answers.insert((dueNanoseconds, answer), at: index)
    }

    mutating func popDue(nowNanoseconds: UInt64) -> LateAnswer? {
        guard let first = self.answers.first, first.dueNanoseconds <= nowNanoseconds else { return nil }
        return self.answers.removeFirst().answer
    }
}
