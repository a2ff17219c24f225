import Foundation

/// The series for spreadsheets and plots.
extension LoadReport {
    static let csvHead =
        "offset_s,length_s,due,sent,answers,errors,in_flight,p50_us,p99_us,p99.9_us,max_us,lag_max_us"

    /// A row for each interval under a head with the units, lines ended by LF. The latencies of an interval without
    /// answers are empty, since 0 would be a lie.
    public func csv() -> String {
        var text = Self.csvHead + "\n"
        for interval in self.series {
            let counts = [interval.due, interval.sent, interval.answers, interval.errors].map { "\($0)" }
            let latencies = [interval.p50, interval.p99, interval.p999, interval.max].map {
                interval.answers > 0 ? Self.plain($0) : ""
            }
            let fields =
                [Self.plain(interval.offsetSeconds), Self.plain(interval.lengthSeconds)] + counts
                + ["\(interval.inFlight)"] + latencies + [Self.plain(interval.lagMax)]
            text += fields.joined(separator: ",") + "\n"
        }
        return text
    }

    /// At most three decimals, with a point whatever the locale.
    private static func plain(_ value: Double) -> String {
        let text = String(format: "%.3f", value)
        let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
        return String(trimmed.reversed())
    }
}
