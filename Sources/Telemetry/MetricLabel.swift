/// One `name="value"` pair of a series. The value may be any text: it is escaped when it is written.
public struct MetricLabel: Sendable, Equatable {
    public let name: String
    public let value: String

    /// - Precondition: `name` matches `[a-zA-Z_][a-zA-Z0-9_]*` and does not start with `__`, which Prometheus reserves.
    public init(_ name: String, _ value: String) {
        precondition(MetricName.isLabel(name), "\"\(name)\" is no label name")
        self.name = name
        self.value = value
    }
}

/// The alphabet of the exposition format. Names are written by us, so a wrong one is an own bug and traps at start.
enum MetricName {
    static func isLabel(_ name: String) -> Bool {
        guard let first = name.utf8.first, self.isLetter(first), !name.hasPrefix("__") else { return false }
        return name.utf8.allSatisfy { self.isLetter($0) || self.isDigit($0) }
    }

    static func isMetric(_ name: String) -> Bool {
        let colon = UInt8(ascii: ":")
        guard let first = name.utf8.first, self.isLetter(first) || first == colon else { return false }
        return name.utf8.allSatisfy { self.isLetter($0) || self.isDigit($0) || $0 == colon }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
