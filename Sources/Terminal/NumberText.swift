import Foundation

/// Numbers for people: the same form in every tool. What is no number, or too large to say, is shown as "-".
public enum NumberText {
    /// With a fixed number of decimals.
    public static func decimals(_ value: Double, _ places: Int) -> String {
        value.isFinite ? String(format: "%.\(places)f", value) : "-"
    }

    /// `1234567` as `1,234,567`.
    public static func grouped(_ number: some BinaryInteger) -> String {
        let isNegative = number < 0
        var digits = Array(String(number.magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (isNegative ? "-" : "") + String(digits)
    }

    /// Rounded to a whole number: `1234567.4` as `1,234,567`.
    public static func grouped(_ value: Double) -> String {
        guard let number = Int64(exactly: value.rounded()) else { return "-" }
        return Self.grouped(number)
    }

    /// A rate, with a decimal where it says something: `500`, `12.5`, `1,234,567`.
    public static func rate(_ value: Double) -> String {
        value.magnitude < 100 && value != value.rounded() ? Self.decimals(value, 1) : Self.grouped(value)
    }

    /// An average of counts: `0.03`, `12.5`, `160`.
    public static func mean(_ value: Double) -> String {
        value < 1 ? Self.decimals(value, value == 0 ? 0 : 2) : Self.rate(value)
    }

    /// With a binary unit: `17 B`, `1.5 MiB`.
    public static func bytes(_ count: some BinaryInteger) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(count) B" : "\(Self.decimals(value, 1)) \(unit)" }
            value /= 1024
        }
        return "\(Self.decimals(value, 1)) TiB"
    }

    /// Three digits and a unit: `87.2us`, `4.31ms`, `1.20s`, `25,000s`.
    public static func time(microseconds: Double) -> String {
        let (value, unit) = Self.timeParts(microseconds: microseconds)
        return value + unit
    }

    /// The same in two parts, for those who set a space or another sign between them.
    ///
    /// - Returns: digits, and `us`, `ms` or `s`.
    public static func timeParts(microseconds: Double) -> (value: String, unit: String) {
        // The limits are where rounding to three digits goes to four.
        if microseconds < 999.5 { return (Self.threeDigits(microseconds), "us") }
        if microseconds < 999_500 { return (Self.threeDigits(microseconds / 1000), "ms") }
        return (Self.threeDigits(microseconds / 1_000_000), "s")
    }

    private static func threeDigits(_ value: Double) -> String {
        value < 9.995
            ? Self.decimals(value, 2) : value < 99.95 ? Self.decimals(value, 1) : Self.grouped(value)
    }

    /// A share in percent: `0 %`, `0.10 %`, `< 0.01 %`, `100 %`. What is not all is never shown as all.
    public static func percent(_ share: Double) -> String {
        switch share {
        case 0, 1: return "\(Int(share * 100)) %"
        case 0..<0.0001: return "< 0.01 %"
        case 0.9999..<1: return "> 99.99 %"
        case 0.1...: return Self.decimals(share * 100, 1) + " %"
        default: return Self.decimals(share * 100, 2) + " %"
        }
    }

    /// `1 connection`, `2,000 connections`.
    public static func counted(_ count: some BinaryInteger, _ noun: String) -> String {
        "\(Self.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }
}
