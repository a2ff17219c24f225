/// A length of time as people write it for a tool: `500ms`, `10s`, `2m`; 1 ms to a day.
struct TimeSpan: Equatable, Sendable, CustomStringConvertible {
    let milliseconds: Int

    init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// Nil when it is no whole number with one of the three units, or out of range.
    init?(parsing text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factors = ["ms": 1, "s": 1000, "m": 60_000]
        guard let count = Int(digits), let factor = factors[String(text.dropFirst(digits.count))] else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow, (1...86_400_000).contains(milliseconds) else { return nil }
        self.milliseconds = milliseconds
    }

    var description: String {
        self.milliseconds.isMultiple(of: 1000) ? "\(self.milliseconds / 1000)s" : "\(self.milliseconds)ms"
    }
}
