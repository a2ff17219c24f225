import LoadReport
import Reactor
import Testing

@testable import LoadGeneration

@Suite struct IntervalTests {
    private static func timeline(warmupMilliseconds: UInt64, seconds: UInt64) -> Timeline {
        var plan = LoadPlan(server: SocketAddress(host: "127.0.0.1", port: 1))
        plan.warmupNanoseconds = warmupMilliseconds * 1_000_000
        plan.durationNanoseconds = seconds * 1_000_000_000
        return Timeline(plan, startNanoseconds: 50_000_000_000)
    }

    @Test func warmupCountsBackwards() {
        let timeline = Self.timeline(warmupMilliseconds: 1500, seconds: 10)
        let second: UInt64 = 1_000_000_000
        #expect(timeline.measureStartNanoseconds == 51_500_000_000)
        #expect(timeline.intervalNumber(at: timeline.startNanoseconds) == -2)
        #expect(timeline.intervalEndNanoseconds(-2) == 50_500_000_000)
        #expect(timeline.intervalNumber(at: 50_500_000_000) == -1)
        #expect(timeline.intervalEndNanoseconds(-1) == timeline.measureStartNanoseconds)
        #expect(timeline.intervalNumber(at: timeline.measureStartNanoseconds - 1) == -1)
        #expect(timeline.intervalNumber(at: timeline.measureStartNanoseconds) == 0)
        #expect(timeline.intervalNumber(at: timeline.measureStartNanoseconds + second - 1) == 0)
        #expect(timeline.intervalEndNanoseconds(0) == timeline.measureStartNanoseconds + second)
    }

    @Test(arguments: [(60, 1), (3500, 1), (3600, 2), (7000, 2), (86_400, 32)] as [(UInt64, Int)])
    func longRunsTakeLongerIntervals(seconds: UInt64, stride: Int) {
        let series = IntervalSeries(timeline: Self.timeline(warmupMilliseconds: 0, seconds: seconds))
        #expect(series.stride == stride)
    }

    /// Joined intervals have the percentiles of all their times, not some mean of two percentiles.
    @Test func joinedIntervalsStayExact() throws {
        let timeline = Self.timeline(warmupMilliseconds: 3000, seconds: 20)
        var series = IntervalSeries(timeline: timeline, intervalsMax: 16)
        #expect(series.stride == 2)
        var told: [LoadReport.Interval] = []
        for number in -3..<20 {
            var tally = IntervalTally()
            tally.number = number
            tally.startNanoseconds = timeline.intervalEndNanoseconds(number - 1)
            tally.endNanoseconds = timeline.intervalEndNanoseconds(number)
            tally.due = 100
            tally.sent = 90
            tally.answers = 80
            tally.errors = 1
            tally.inFlight = 50 + number
            tally.lagNanosecondsMax = UInt64(1000 * (number + 4))
            // Odd ones are slow: one in a hundred of both together is among theirs.
            tally.latencies.record(number.isMultiple(of: 2) ? 10_000 : 1_000_000, count: 100)
            told.append(series.append(tally))
        }
        series.finish()
        #expect(told.map(\.lengthSeconds) == [Double](repeating: 1, count: 23))
        #expect(told.first?.offsetSeconds == -3 && told.last?.offsetSeconds == 19)
        let intervals = series.intervals
        #expect(intervals.count == 12)
        #expect(intervals.map(\.offsetSeconds) == [-3, -2] + stride(from: 0, to: 20, by: 2).map(Double.init))
        #expect(intervals.map(\.lengthSeconds) == [1, 2] + [Double](repeating: 2, count: 10))
        #expect(intervals.reduce(0) { $0 + $1.due } == 2300)
        #expect(intervals.reduce(0) { $0 + $1.answers } == 80 * 23)
        let last = try #require(intervals.last)
        #expect(last.inFlight == 69 && last.lagMax == 23)
        #expect(abs(last.p50 - 10) < 0.02 && abs(last.p99 - 1000) < 1 && abs(last.max - 1000) < 1)
    }

    @Test func loopsAddUp() {
        var first = IntervalTally()
        first.startNanoseconds = 10
        first.endNanoseconds = 20
        first.due = 1
        first.inFlight = 2
        first.lagNanosecondsMax = 5
        var second = first
        second.startNanoseconds = 9
        second.endNanoseconds = 21
        second.lagNanosecondsMax = 7
        second.latencies.record(100, count: 3)
        first.add(second)
        #expect(first.startNanoseconds == 9 && first.endNanoseconds == 21)
        #expect(first.due == 2 && first.inFlight == 4 && first.lagNanosecondsMax == 7)
        #expect(first.latencies.count == 3)
    }

    @Test func percentilesAreRanks() {
        var times = TimeHistogram()
        #expect(times.nanoseconds(atPercentiles: [50, 99]) == [0, 0])
        for value in 1...1000 as ClosedRange<UInt64> { times.record(value, count: 1) }
        #expect(times.nanoseconds(atPercentiles: [0, 0.1, 50, 99, 99.9, 100]) == [1, 1, 500, 990, 999, 1000])
        let latency = times.latency
        #expect(latency.count == 1000 && latency.min == 0.001 && latency.max == 1)
        #expect(abs(latency.mean - 0.5005) < 1e-9)
        #expect(abs(latency.standardDeviation - 0.288675) < 1e-5)
        #expect(latency.buckets.count == 1000)
        #expect(latency.percentiles.map(\.percentile) == [50, 75, 90, 95, 99, 99.9, 99.99, 99.999])
        times.record(.max, count: 1)
        #expect(times.latency.max == 3_600_000_000)
    }

    @Test func emptyTimesAreZeros() {
        let latency = TimeHistogram().latency
        #expect(latency == LoadReport.Latency())
    }
}
