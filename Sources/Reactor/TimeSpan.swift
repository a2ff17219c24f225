/// A length of time as people write it for a tool: `500ms`, `10s`, `2m`; 1 ms to a day.
public struct TimeSpan: Equatable, Sendable, CustomStringConvertible {
    public let milliseconds: Int

    public init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// Nil when it is no whole number with one of the three units, or out of range.
    public init?(parsing text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factors = ["ms": 1, "s": 1000, "m": 60_000]
        guard let count = Int(digits), let factor = factors[String(text.dropFirst(digits.count))] else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow, (1...86_400_000).contains(milliseconds) else { return nil }
        self.milliseconds = milliseconds
    }

    public var nanoseconds: UInt64 { UInt64(self.milliseconds) * 1_000_000 }

    public var description: String {
        self.milliseconds.isMultiple(of: 1000) ? "\(self.milliseconds / 1000)s" : "\(self.milliseconds)ms"
    }
}
