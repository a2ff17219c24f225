import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// What a worker says of its own time.
@Suite struct WorkerReportTests {
    static let backends = TestEnvironment.backends

    private static func busy(_ gateway: TestGateway) -> UInt64 {
        gateway.server.reports.map(\.busyNanoseconds).reduce(0, +)
    }

    @Test(arguments: backends) func workIsBusyTimeAndRestIsNot(_ kind: Backend.Kind) throws {
        let start = MonotonicClock.nowNanoseconds()
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            var number: UInt64 = 0
            // Ten milliseconds of a worker's time, however long that takes here.
            try gateway.wait(for: "busy time to grow") {
                for _ in 0..<20 {
                    number += 1
                    guard (try? client.ask(.resolve("name:site", correlation: number)).code) == 200 else {
                        return false
                    }
                }
                return Self.busy(gateway) > 10_000_000
            }
            let wall = MonotonicClock.nowNanoseconds() - start
            for report in gateway.server.reports {
                #expect(report.busyNanoseconds <= wall, "no thread is busier than the clock")
            }
        }
    }

    /// A turn that is held up shows in full, until somebody has seen it.
    @Test(arguments: backends) func theLongestTurnIsKept(_ kind: Backend.Kind) throws {
        let log = try StallLog()
        try TestGateway.run(
            kind, configure: { $0.workersCount = 1 },
            index: { _ in StallingIndex(periodMilliseconds: 50, stallMilliseconds: 100, log: log) }
        ) { gateway in
            var client = try gateway.connect()
            let report = gateway.server.reports[0]
            var number: UInt64 = 0
            while log.all.isEmpty {
                number += 1
                _ = try client.ask(.resolve("name:site", correlation: number))
            }
            let stalled = try #require(log.all.first).nanoseconds
            try gateway.wait(for: "the stalled turn to be told") { report.turnNanosecondsMax >= stalled }
            #expect(report.takeTurnNanosecondsMax() >= stalled)
            _ = report.takeTurnNanosecondsMax()
            try client.expectAlive()
            try gateway.wait(for: "later turns to be told") { report.turnNanosecondsMax > 0 }
        }
    }
}
