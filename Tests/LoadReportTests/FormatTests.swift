import Foundation
import LoadReport
import Testing

/// The forms that programs read.
@Suite struct FormatTests {
    @Test(arguments: [SampleReport.Shape.healthy, .refusing, .stalling, .silent])
    func jsonIsReadBack(shape: SampleReport.Shape) throws {
        let report = try SampleReport(shape: shape, seconds: 5).report("p99<2ms", "errors<0.1%")
        let json = try report.json()
        #expect(try LoadReport(json: json) == report)
    }

    @Test func otherSchemasAreRefused() throws {
        let json = try SampleReport(seconds: 1).report.json()
        let other = json.replacingOccurrences(of: "oap-bench-report/1", with: "oap-bench-report/2")
        let fault = #expect(throws: LoadReportFault.self) { try LoadReport(json: other) }
        #expect(fault == .schema("oap-bench-report/2"))
        #expect(fault?.description.contains("reads \"oap-bench-report/1\"") == true)
        #expect(throws: LoadReportFault.schema(nil)) { try LoadReport(json: "{}") }
    }

    @Test(arguments: [
        ("\"answers\":", "\"answer\":", "outcome.answers: the member is missing"),
        ("\"requestsDue\":500", "\"requestsDue\":-500", "a number in it is out of range"),
        ("\"requestsDue\":500", "\"requestsDue\":\"500\"", "outcome.requestsDue: the member is of another type"),
        ("\"verdict\":\"passed\"", "\"verdict\":\"grand\"", "verdict"),
        ("\"lengthSeconds\":1", "\"lengthSeconds\":-1", "series"),
        ("\"lengthSeconds\":1", "\"lengthSeconds\":1e999", "a number in it is out of range"),
    ])
    func faultsNameTheirMember(before: String, after: String, expected: String) throws {
        let json = try SampleReport(seconds: 1).report.json()
        #expect(json.contains(before))
        let broken = json.replacingOccurrences(of: before, with: after)
        let fault = #expect(throws: LoadReportFault.self) { try LoadReport(json: broken) }
        #expect(fault.map { $0.description.contains(expected) } == true, "\(fault?.description ?? "")")
    }

    @Test func countsThatDoNotAddUpAreRefused() throws {
        var report = SampleReport(seconds: 1).report
        report.latency.count += 1
        let json = try report.json()
        #expect(throws: LoadReportFault.member(path: "latency.count", problem: "it is not the sum of the buckets")) {
            try LoadReport(json: json)
        }
        for broken in ["", "{", "[]", "null", "\u{0}", "{\"schema\":1}"] {
            #expect(throws: LoadReportFault.self) { try LoadReport(json: broken) }
        }
    }

    /// No format can hold it, and a silent 0 would be a lie.
    @Test func whatIsNoNumberIsRefusedByName() {
        var report = SampleReport(seconds: 1).report
        report.outcome.inFlightMean = .nan
        #expect(throws: LoadReportFault.notFinite(path: "outcome.inFlightMean")) { try report.json() }
    }

    @Test func csvHasARowForEachInterval() throws {
        var report = SampleReport(shape: .refusing, seconds: 7).report
        report.series[3] = LoadReport.Interval()
        report.series[3].offsetSeconds = 3
        let lines = report.csv().split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 1 + 7 + 1)
        #expect(lines.last == "")
        let head = lines[0].split(separator: ",")
        #expect(head.first == "offset_s")
        for (index, interval) in report.series.enumerated() {
            let fields = lines[index + 1].split(separator: ",", omittingEmptySubsequences: false)
            #expect(fields.count == head.count)
            #expect(Double(fields[0]) == interval.offsetSeconds)
            #expect(UInt64(fields[2]) == interval.due)
            #expect(UInt64(fields[4]) == interval.answers)
            #expect(Int(fields[6]) == interval.inFlight)
            if interval.answers > 0 {
                #expect(abs((Double(fields[8]) ?? -1) - interval.p99) < 0.001)
            } else {
                #expect(fields[7...10].joined() == "")
            }
        }
    }
}
