import Foundation

/// The distributions for the tools of HdrHistogram.
extension LoadReport {
    /// Nanoseconds that every reader keeps; longer times count as that.
    private static let nanosecondsMax: UInt64 = 3_600_000_000_000

    /// An HdrHistogram log of version 1.3 with one interval, the measured time: the latency without a tag, the service
    /// time, the send lag and the connect time with the tags `service`, `lag` and `connect`. Values are nanoseconds, at three digits.
    ///
    /// - Throws: when `startedAt` is no time.
    public func hdrLog() throws(LoadReportFault) -> String {
        guard let start = ISO8601DateFormatter().date(from: self.startedAt) else {
            throw .member(path: "startedAt", problem: "it is no UTC time such as 2026-01-31T12:00:00Z")
        }
        var lines = [
            "#[Logged with \(self.tool.name) \(self.tool.version)]", "#[Histogram log format version 1.3]",
            "#[StartTime: \(String(format: "%.3f", start.timeIntervalSince1970)) (seconds since epoch), \(self.startedAt)]",
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"",
        ]
        let connects = self.connectTime.map { [("Tag=connect,", $0)] } ?? []
        for (tag, latency) in [("", self.latency), ("Tag=service,", self.serviceTime), ("Tag=lag,", self.scheduleLag)]
            + connects
        where latency.count > 0 {
            let fields = [0, self.outcome.elapsedSeconds, latency.max / 1000].map { String(format: "%.3f", $0) }
            let histogram = Data(Self.compressed(latency)).base64EncodedString()
            lines.append(tag + fields.joined(separator: ",") + "," + histogram)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func compressed(_ latency: Latency) -> [UInt8] {
        var encoding = HdrEncoding(highestTrackable: Self.nanosecondsMax)
        for bucket in latency.buckets {
            let nanoseconds = min((bucket.microseconds * 1000).rounded(), Double(Self.nanosecondsMax))
            encoding.add(UInt64(nanoseconds), count: bucket.count)
        }
        return encoding.compressed
    }
}
