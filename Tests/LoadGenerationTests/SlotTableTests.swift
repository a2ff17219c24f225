import GatewayTesting
import Testing

@testable import LoadGeneration

@Suite struct SlotTableTests {
    /// The tags of the requests that correlations give back, nil for those that find none.
    private static func tags(_ table: inout SlotTable, _ connection: Int, _ correlations: UInt64...) -> [UInt64?] {
        correlations.map { table.give(connection, correlation: $0)?.tag }
    }

    @Test func aCorrelationIsGivenBackOnce() {
        var table = SlotTable(connections: 2, depth: 2)
        let first = table.take(0, SlotTable.Request(dueNanoseconds: 1, sentNanoseconds: 2, tag: 3, tenant: 4))
        let second = table.take(0, SlotTable.Request(tag: 5))
        var counts = [table.freeCount(0), table.freeCount(1), table.used]
        #expect(counts == [0, 2, 2])
        // Another connection's answer, and one that nobody waits for.
        let elsewhere = Self.tags(&table, 1, first)
        #expect(elsewhere == [nil])
        let unknown = Self.tags(&table, 0, 0, first ^ 1 << 20)
        #expect(unknown == [nil, nil])
        let request = table.give(0, correlation: first)
        #expect(request?.dueNanoseconds == 1 && request?.sentNanoseconds == 2)
        #expect(request?.tag == 3 && request?.tenant == 4)
        let again = Self.tags(&table, 0, first, second, second)
        #expect(again == [nil, 5, nil])
        counts = [table.freeCount(0), table.used]
        #expect(counts == [2, 0])
    }

    @Test func givenUpRequestsFreeTheirSlots() {
        var table = SlotTable(connections: 2, depth: 3)
        _ = table.take(1, SlotTable.Request(dueNanoseconds: 10))
        let late = table.take(1, SlotTable.Request(dueNanoseconds: 20))
        let given = table.abandon(1, dueFrom: 15)
        #expect(given.count == 2 && given.measured == 1)
        let before = [table.used, table.freeCount(1)]
        #expect(before == [0, 3])
        // What comes late after all finds nothing, also when its slot is taken again.
        for _ in 0..<3 { _ = table.take(1, SlotTable.Request()) }
        let found = Self.tags(&table, 1, late)
        #expect(found == [nil])
        let after = [table.used, table.freeCount(1)]
        #expect(after == [3, 0])
    }

    /// Against a dictionary, for thousands of random steps.
    @Test func agreesWithADictionary() {
        var random = SeededGenerator.fromEnvironment()
        var table = SlotTable(connections: 3, depth: 5)
        var model: [[UInt64: UInt64]] = [[:], [:], [:]]
        for step in 0..<20_000 as Range<UInt64> {
            let connection = Int(random.next() % 3)
            if random.oneIn(50) {
                let measured = model[connection].values.count { $0 >= step / 2 }
                let given = table.abandon(connection, dueFrom: step / 2)
                #expect(given.count == model[connection].count && given.measured == measured, "\(random.replay)")
                model[connection] = [:]
            } else if table.freeCount(connection) > 0, random.oneIn(2) {
                let correlation = table.take(connection, SlotTable.Request(dueNanoseconds: step, tag: step))
                #expect(model[connection].updateValue(step, forKey: correlation) == nil, "\(random.replay)")
            } else if let (correlation, tag) = model[connection].randomElement(using: &random) {
                let found = Self.tags(&table, connection, correlation)
                #expect(found == [tag], "\(random.replay)")
                model[connection][correlation] = nil
            }
            let counts = [table.used, table.freeCount(connection)]
            #expect(counts == [model.reduce(0) { $0 + $1.count }, 5 - model[connection].count], "\(random.replay)")
        }
    }

    @Test func lanesRotate() {
        var queue = LaneQueue(lanes: 3)
        #expect(queue.pop() == nil)
        for lane in 0..<3 { queue.push(lane) }
        for turn in 0..<10 {
            #expect(queue.pop() == turn % 3)
            queue.push(turn % 3)
        }
    }
}
