import Foundation

/// Wall-clock time as `2026-11-24T21:30:15.123Z`, without a formatter and its locks: a log line must be cheap.
enum LogTimestamp {
    static func text(_ date: Date) -> String {
        self.text(millisecondsSinceEpoch: Int64((date.timeIntervalSince1970 * 1000).rounded(.down)))
    }

    /// - Parameter millisecondsSinceEpoch: since 1970-01-01T00:00:00Z; negative before it.
    static func text(millisecondsSinceEpoch: Int64) -> String {
        let dayMilliseconds: Int64 = 86_400_000
        var days = millisecondsSinceEpoch / dayMilliseconds
        var rest = millisecondsSinceEpoch % dayMilliseconds
        if rest < 0 {
            rest += dayMilliseconds
            days -= 1
        }
        let (year, month, day) = self.civilDate(daysSinceEpoch: days)
        let date = "\(self.padded(year, 4))-\(self.padded(month, 2))-\(self.padded(day, 2))"
        let hours = self.padded(rest / 3_600_000, 2)
        let minutes = self.padded(rest / 60_000 % 60, 2)
        let seconds = self.padded(rest / 1000 % 60, 2)
        return "\(date)T\(hours):\(minutes):\(seconds).\(self.padded(rest % 1000, 3))Z"
    }

    /// Proleptic Gregorian calendar; a year starts in March here, so that the leap day is its last and needs no case.
    private static func civilDate(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let eraDays: Int64 = 146_097
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - eraDays + 1) / eraDays
        let dayOfEra = shifted - era * eraDays
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
