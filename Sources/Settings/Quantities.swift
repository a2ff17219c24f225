/// Numbers of bytes as people write them: `1048576`, `"64KiB"`, `"2MB"`.
public enum ByteSizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("", 1), ("b", 1),
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
        ("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
    ]

    /// Digits, an optional space, an optional unit in any case. Nil when it is something else or exceeds an `Int`.
    public static func parse(_ text: String) -> Int? {
        guard let (count, unit) = Quantity.split(text) else { return nil }
        guard let factor = Self.units.first(where: { $0.name == unit.lowercased() })?.bytes else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    /// In the largest binary unit that leaves no rest, else plain.
    public static func render(_ bytes: Int) -> String {
        for (name, factor) in [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes >= factor && bytes.isMultiple(of: factor) {
            return "\(bytes / factor)\(name)"
        }
        return "\(bytes)"
    }
}

/// Lengths of time as people write them: `"500ms"`, `"5s"`, `"2m"`, `"1h"`. Always with a unit.
public enum DurationText {
    private static let units = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000]

    /// Milliseconds, or nil when the text is something else or exceeds an `Int`.
    public static func parse(_ text: String) -> Int? {
        guard let (count, unit) = Quantity.split(text), let factor = Self.units[unit] else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : milliseconds
    }

    /// In the largest unit that leaves no rest; one minute is `60s`, as such a
    /// limit is usually told.
    public static func render(_ milliseconds: Int) -> String {
        for (name, factor) in [("h", 3_600_000), ("m", 60_000)]
        where milliseconds >= factor && milliseconds != 60_000 && milliseconds.isMultiple(of: factor) {
            return "\(milliseconds / factor)\(name)"
        }
        return milliseconds.isMultiple(of: 1_000) ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
    }
}

private enum Quantity {
    /// The number in front and what follows it.
    static func split(_ text: String) -> (count: Int, unit: String)? {
        let bytes = Array(text.utf8)
        let end = bytes.firstIndex { !$0.isDigit } ?? bytes.count
        guard let count = bytes[..<end].decimal else { return nil }
        var unit = bytes[end...]
        if unit.first == UInt8(ascii: " "), unit.count > 1 { unit = unit.dropFirst() }
        return (count, String(decoding: unit, as: UTF8.self))
    }
}

extension Int {
    /// Decimal with a comma between thousands.
    var grouped: String {
        guard self.magnitude >= 1_000 else { return "\(self)" }
        let rest = "\(self.magnitude % 1_000)"
        return (self / 1_000).grouped + "," + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
