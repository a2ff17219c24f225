import Foundation

/// Numbers for people: the same form in every tool.
public enum NumberText {
    /// With a fixed number of decimals.
    public static func decimals(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

    /// `1234567` as `1,234,567`.
    public static func grouped(_ number: some BinaryInteger) -> String {
        var digits = Array(String(number))
        var place = digits.count - 3
        while place > (number < 0 ? 1 : 0) {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }

    /// With a binary unit: `17 B`, `1.5 MiB`.
    public static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(count) B" : "\(Self.decimals(value, 1)) \(unit)" }
            value /= 1024
        }
        return "\(Self.decimals(value, 1)) TiB"
    }

    /// Three digits and a unit: `87.2us`, `4.31ms`, `1.20s`.
    public static func time(microseconds: Double) -> String {
        let (value, unit) =
            microseconds < 1000
            ? (microseconds, "us")
            : microseconds < 1_000_000 ? (microseconds / 1000, "ms") : (microseconds / 1_000_000, "s")
        return Self.decimals(value, value < 10 ? 2 : value < 100 ? 1 : 0) + unit
    }

    /// `1 connection`, `2 connections`.
    public static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
