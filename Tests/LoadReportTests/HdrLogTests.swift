import Foundation
import Histogram
import Testing

@testable import LoadReport

/// The log is read back by a decoder of its own, written from the format's description.
@Suite struct HdrLogTests {
    @Test(arguments: [SampleReport.Shape.healthy, .stalling])
    func logHoldsTheDistributions(shape: SampleReport.Shape) throws {
        let report = SampleReport(shape: shape, seconds: 20).report
        let lines = try report.hdrLog().split(separator: "\n")
        #expect(lines.contains("#[Histogram log format version 1.3]"))
        #expect(lines.contains { $0.hasPrefix("#[StartTime: 1795561509.000 (seconds since epoch)") })
        let rows = lines.filter { !$0.hasPrefix("#") && !$0.hasPrefix("\"") }
        #expect(rows.map { $0.hasPrefix("Tag=") } == [false, true, true])
        for (row, latency) in zip(rows, [report.latency, report.serviceTime, report.scheduleLag]) {
            let fields = row.split(separator: ",").drop { $0.hasPrefix("Tag=") }
            #expect(fields.count == 4)
            #expect(Double(fields[fields.startIndex + 1]) == 20)
            // "HISTFAAA" is how every log line of version 2 begins.
            let encoded = try #require(fields.last)
            #expect(encoded.hasPrefix("HISTFAAA"))
            let counts = try HdrReader.counts(String(encoded))
            #expect(counts.values.reduce(0, +) == latency.count)
            let expected = latency.buckets.map { bucket in
                (
                    HdrReader.histogram.highestEquivalentForValue(UInt64((bucket.microseconds * 1000).rounded())),
                    bucket.count
                )
            }
            #expect(counts == Dictionary(uniqueKeysWithValues: expected))
        }
    }

    @Test func nothingMeasuredIsALogWithoutRows() throws {
        let log = try SampleReport(shape: .silent, seconds: 2).report.hdrLog()
        #expect(!log.contains("HIST"))
        #expect(log.hasSuffix("\"Interval_Compressed_Histogram\"\n"))
    }

    @Test func longTimesCountAsAnHour() throws {
        var report = SampleReport(shape: .silent, seconds: 1).report
        report.latency.count = 1 << 60
        report.latency.buckets = [LoadReport.Latency.Bucket(microseconds: 1e300, count: 1 << 60)]
        let last = try #require(try report.hdrLog().split(separator: "\n").last?.split(separator: ",").last)
        let counts = try HdrReader.counts(String(last))
        #expect(counts.values.elementsEqual([1 << 60]))
        #expect(try #require(counts.keys.first) >= 3_600_000_000_000)
    }

    @Test func aStartThatIsNoTimeIsRefused() {
        var report = SampleReport(seconds: 1).report
        report.startedAt = "yesterday"
        #expect(throws: LoadReportFault.self) { try report.hdrLog() }
    }

    @Test func checksumsAreThoseOfTheStandard() {
        #expect(StoredZlib.adler32(Array("Wikipedia".utf8)) == 0x11E6_0398)
        #expect(StoredZlib.adler32([]) == 1)
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 200_000]) func blocksCarryEveryByte(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try HdrReader.inflated(StoredZlib.stream(bytes)[...]) == bytes)
    }
}

/// What a reader of HdrHistogram logs does.
enum HdrReader {
    struct Fault: Error {}

    static let histogram = Histogram<UInt64>(
        highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)

    /// The highest value of each bucket that has a count, and the count.
    static func counts(_ base64: String) throws -> [UInt64: UInt64] {
        let outer = [UInt8](try #require(Data(base64Encoded: base64)))
        try Self.check(Self.number(outer[0..<4]) == 0x1C84_9314)
        try Self.check(Self.number(outer[4..<8]) == UInt64(outer.count - 8))
        let inner = try Self.inflated(outer[8...])
        try Self.check(Self.number(inner[0..<4]) == 0x1C84_9313)
        try Self.check(Self.number(inner[4..<8]) == UInt64(inner.count - 40))
        try Self.check(Self.number(inner[8..<12]) == 0 && Self.number(inner[12..<16]) == 3)
        try Self.check(Self.number(inner[16..<24]) == 1)
        try Self.check(Self.number(inner[32..<40]) == (1.0).bitPattern)
        var counts: [UInt64: UInt64] = [:]
        var index = 0
        var rest = inner[40...]
        while !rest.isEmpty {
            let value = Self.zigZag(&rest)
            if value < 0 {
                index += Int(-value)
            } else {
                counts[Self.histogram.highestEquivalentForValue(Self.value(ofIndex: index))] = UInt64(value)
                index += 1
            }
        }
        return counts
    }

    private static func value(ofIndex index: Int) -> UInt64 {
        let bucket = (index >> 10) - 1
        return bucket < 0 ? UInt64(index) : UInt64((index & 1023) + 1024) << UInt64(bucket)
    }

    private static func zigZag(_ bytes: inout ArraySlice<UInt8>) -> Int64 {
        var value: UInt64 = 0
        for position in 0..<9 {
            let byte = bytes.removeFirst()
            if position == 8 {
                value |= UInt64(byte) << 56
                break
            }
            value |= UInt64(byte & 0x7F) << UInt64(7 * position)
            if byte < 0x80 { break }
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
    }

    /// Of stored blocks only.
    static func inflated(_ stream: ArraySlice<UInt8>) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = stream.dropFirst(2)
        try Self.check((UInt16(stream[stream.startIndex]) << 8 | UInt16(stream[stream.startIndex + 1])) % 31 == 0)
        var isLast = false
        while !isLast {
            let head = Array(rest.prefix(5))
            isLast = head[0] == 1
            let length = Int(head[1]) | Int(head[2]) << 8
            try Self.check(length ^ 0xFFFF == Int(head[3]) | Int(head[4]) << 8)
            bytes += rest.dropFirst(5).prefix(length)
            rest = rest.dropFirst(5 + length)
        }
        try Self.check(Self.number(rest) == UInt64(StoredZlib.adler32(bytes)))
        return bytes
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func check(_ condition: Bool) throws { if !condition { throw Fault() } }
}
