import Testing

@testable import LoadReport

@Suite struct AxisScaleTests {
    @Test(
        arguments: [
            (500.0, ["0", "200", "400", "600"]), (1000, ["0", "250", "500", "750", "1k"]),
            (3.2, ["0", "1", "2", "3", "4"]),
            (0, ["0", "0.25", "0.5", "0.75", "1"]),
        ] as [(Double, [String])])
    func linearMarksAreRound(highest: Double, labels: [String]) {
        #expect(AxisScale.linear(to: highest, label: AxisScale.countLabel).marks.map(\.label) == labels)
    }

    @Test(arguments: [0, 1, 2, 3, 7, 160, 1e6, 1e300] as [Double]) func countsHaveWholeMarks(highest: Double) {
        let scale = AxisScale.linear(to: highest, isWhole: true, label: AxisScale.countLabel)
        #expect(scale.high >= highest)
        #expect(scale.marks.allSatisfy { $0.value == $0.value.rounded() })
        #expect((2...6).contains(scale.marks.count))
        #expect(Set(scale.marks.map(\.label)).count == scale.marks.count)
    }

    @Test(
        arguments: [(180.0, 3200.0), (1, 1e9), (0.05, 60), (100, 100), (5, 7e6), (1e-3, 1e300)] as [(Double, Double)])
    func logarithmicMarksSpanTheValues(lowest: Double, highest: Double) {
        let scale = AxisScale.logarithmic(from: lowest, to: highest, label: AxisScale.timeLabel)
        #expect(scale.low <= lowest * 1.001)
        #expect(scale.high >= min(highest, 1e15) * 0.999)
        #expect(scale.marks.count >= 2)
        #expect(scale.marks.count <= 10)
        let positions = scale.marks.map { scale.position($0.value) }
        #expect(zip(positions, positions.dropFirst()).allSatisfy { $1 - $0 > 0.02 }, "\(positions)")
        #expect((0...1).contains(scale.position(lowest)))
    }

    @Test(arguments: [1.0, 2, 9, 10, 60, 61, 600, 3600, 86_400, 1e300]) func timeHasFewMarks(seconds: Double) {
        let scale = AxisScale.seconds(from: 0, to: seconds)
        #expect((1...13).contains(scale.marks.count))
        #expect(Set(scale.marks.map(\.label)).count == scale.marks.count)
    }

    @Test func tailShowsAsFarAsSamplesTell() {
        #expect(AxisScale.tail(samples: 1000).marks.last?.value == 99.9)
        #expect(AxisScale.tail(samples: 999).marks.last?.value == 99)
        let scale = AxisScale.tail(samples: 10_000)
        #expect(abs(scale.position(90) - 0.25) < 1e-9)
        #expect(abs(scale.position(99.9) - 0.75) < 1e-9)
        #expect(scale.position(100) == 1)
    }

    @Test(
        arguments: [(0.5, "0.5\u{A0}µs"), (200, "200\u{A0}µs"), (1500, "1.5\u{A0}ms"), (2e6, "2\u{A0}s"), (0, "0")]
            as [(Double, String)])
    func timesAreShort(microseconds: Double, label: String) {
        #expect(AxisScale.timeLabel(microseconds) == label)
    }
}
