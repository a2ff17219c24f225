import GatewayRuntime
import GatewayTesting
import LoadReport
import Reactor
import Testing

@testable import LoadGeneration

/// Runs against a gateway in this process.
enum LoadFixture {
    static let backends = TestEnvironment.backends

    static func plan(_ server: SocketAddress, _ backend: Backend.Kind, _ mode: LoadMode) -> LoadPlan {
        var plan = LoadPlan(server: server)
        plan.mode = mode
        plan.backend =
            switch backend {
            case .epoll: .epoll
            case .uring: .uring
            }
        plan.connectionsCount = 4
        plan.depth = 8
        plan.durationNanoseconds = 300_000_000
        return plan
    }

    static func run(
        _ plan: LoadPlan, control: LoadControl? = nil, interval: (LoadReport.Interval) -> Void = { _ in }
    ) throws -> LoadReport {
        let report = try LoadRun.run(plan, try control ?? LoadControl(), interval: interval)
        Self.checkSums(report)
        return report
    }

    /// What holds for every report, whatever happened.
    private static func checkSums(_ report: LoadReport) {
        let outcome = report.outcome
        #expect(outcome.requestsDue == outcome.requestsSent + outcome.unsent)
        #expect(outcome.requestsSent == outcome.answers + outcome.unanswered)
        #expect(outcome.errors == outcome.requestsDue - outcome.successes)
        #expect(report.statuses.reduce(0) { $0 + $1.count } == outcome.answers)
        let measured = report.series.filter { $0.offsetSeconds >= 0 }
        #expect(measured.reduce(0) { $0 + $1.due } == outcome.requestsDue)
        #expect(zip(report.series, report.series.dropFirst()).allSatisfy { $0.offsetSeconds < $1.offsetSeconds })
    }

    static func keys(_ names: String...) throws -> KeySet {
        var keys = KeySet()
        for name in names { try keys.append(Array("name:\(name)".utf8).span) }
        return keys
    }

    /// An index with exactly `keys`.
    static func index(_ keys: [String]) -> ScriptedIndex {
        let records = keys.map { key in ("name:\(key)", ScriptedRecords.record(forKey: "name:\(key)")) }
        return ScriptedIndex(records: Dictionary(uniqueKeysWithValues: records))
    }
}
