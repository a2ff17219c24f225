import Synchronization
import Telemetry
import Testing

@Suite struct TelemetryBankTests {
    @Test func seriesFollowTheirFirstCell() {
        var schema = MetricSchema()
        let bytes = schema.counter("bytes_in_total", help: "Bytes read.")
        let requests = schema.counter(
            "requests_total", help: "Requests.",
            series: [[MetricLabel("status", "200")], [MetricLabel("status", "404")]])
        let open = schema.gauge("connections", help: "Open connections.")
        #expect([bytes, requests, open] == [0, 1, 3])
        #expect(schema.cellsCount == 4)

        let bank = TelemetryBank(schema: schema)
        bank.add(bytes, 7)
        bank.add(requests + 1)
        bank.add(requests + 1)
        bank.set(open, 5)
        bank.set(open, 4)
        #expect((0..<4).map { bank.value($0) } == [7, 0, 2, 4])
    }

    @Test func aSnapshotAddsTheWorkersUp() {
        var schema = MetricSchema()
        let counter = schema.counter("requests_total", help: "Requests.")
        let gauge = schema.gauge("connections", help: "Open connections.")
        let banks = (1...3).map { worker in
            let bank = TelemetryBank(schema: schema)
            bank.add(counter, UInt64(worker))
            bank.set(gauge, UInt64(worker * 10))
            return bank
        }
        let snapshot = TelemetrySnapshot.merging(banks)
        #expect(snapshot.value(counter) == 6)
        #expect(snapshot.value(gauge) == 60)
        #expect(TelemetrySnapshot.merging([]).value(counter) == 0)
    }

    /// Readers race with one writer; nothing is lost, no cell goes backwards, and two cells that are written in order
    /// by one thread are exact once the writer has ended.
    @Test func aConcurrentReaderSeesEachCellGrowAndTheEndExactly() async {
        let additions: UInt64 = 200_000
        var schema = MetricSchema()
        let counter = schema.counter("requests_total", help: "Requests.")
        let latency = schema.histogram("latency_seconds", help: "Latency.", boundariesNanoseconds: [10, 20])[0]
        let bank = TelemetryBank(schema: schema)
        let race = Race()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for index in 0..<additions {
                    bank.add(counter)
                    bank.observe(latency, nanoseconds: index % 30)
                }
                race.finished.store(true, ordering: .releasing)
            }
            group.addTask {
                var newest: UInt64 = 0
                repeat {
                    let value = bank.value(counter)
                    if value < newest { race.backwards.add(1, ordering: .relaxed) }
                    newest = value
                } while !race.finished.load(ordering: .acquiring)
            }
        }
        #expect(race.backwards.load(ordering: .relaxed) == 0)
        #expect(bank.value(counter) == additions)
        let text = PrometheusText.render(
            schema: schema, snapshot: .merging([bank]), process: [], commonLabels: [])
        #expect(text.contains("\nlatency_seconds_count \(additions)\n"))
    }

    @Test func aCellOfAnotherSchemaTraps() async {
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            _ = schema.counter("requests_total", help: "Requests.")
            TelemetryBank(schema: schema).add(1)
        }
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            _ = schema.counter("requests_total", help: "Requests.")
            _ = TelemetryBank(schema: schema).value(-1)
        }
        await #expect(processExitsWith: .failure) {
            var one = MetricSchema()
            let histogram = one.histogram("latency_seconds", help: "Latency.", boundariesNanoseconds: [1])[0]
            var other = MetricSchema()
            _ = other.counter("requests_total", help: "Requests.")
            TelemetryBank(schema: other).observe(histogram, nanoseconds: 1)
        }
    }
}

/// What the two sides of the race tell each other.
private final class Race: Sendable {
    let finished = Atomic(false)
    let backwards = Atomic(0)
}
