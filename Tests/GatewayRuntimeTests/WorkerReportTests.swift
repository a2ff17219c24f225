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

    /// A turn that is held up shows in full, until the pressure monitor has taken it.
    @Test(arguments: backends) func theLongestTurnIsKept(_ kind: Backend.Kind) throws {
        let log = try StallLog()
        try TestGateway.run(
            kind, configure: { $0.workersCount = 1 },
            index: { _ in StallingIndex(periodMilliseconds: 50, stallMilliseconds: 100, log: log) }
        ) { gateway in
            var client = try gateway.connect()
            let report = gateway.server.reports[0]
            // The monitor takes it ten times a second, so that a look may come too late for one of them.
            var seen = false
            for number in 1...100_000 as ClosedRange<UInt64> where !seen {
                _ = try client.ask(.resolve("name:site", correlation: number))
                guard let stalled = log.all.last?.nanoseconds else { continue }
                seen = report.turnNanosecondsMax >= stalled
            }
            #expect(seen)
        }
    }
}
