import Foundation
import Terminal

/// An axis: where a value stands on it, and which marks it has.
struct AxisScale {
    enum Kind: String {
        case linear
        case logarithmic
        /// Of percentiles: as far from one to the next as from 90 % to 99 %, which shows the tail.
        case tail
    }

    struct Mark {
        let value: Double
        let label: String
        /// Left out where there is little room.
        var isMinor = false
    }

    let kind: Kind
    /// The values at its ends; of `tail` how many nines.
    let low: Double
    let high: Double
    let marks: [Mark]

    /// 0 to 1; what is beyond an end stands at it.
    func position(_ value: Double) -> Double {
        let share =
            switch self.kind {
            case .linear: (value - self.low) / (self.high - self.low)
            case .logarithmic: log(max(value, self.low) / self.low) / log(self.high / self.low)
            case .tail: Self.nines(value) / self.high
            }
        return share.isFinite ? min(1, max(0, share)) : 1
    }

    private static func nines(_ percent: Double) -> Double { percent >= 100 ? .infinity : -log10(1 - percent / 100) }

    /// From 0 to a round number not below `highest`.
    static func linear(to highest: Double, isWhole: Bool = false, label: (Double) -> String) -> AxisScale {
        let top = highest.isFinite && highest > 0 ? highest : 1
        var step = Self.roundStep(top / 4)
        if isWhole { step = max(1, step.rounded(.up)) }
        let count = Int((top / step - 1e-9).rounded(.up))
        let marks = (0...count).map { Mark(value: Double($0) * step, label: label(Double($0) * step)) }
        return AxisScale(kind: .linear, low: 0, high: Double(count) * step, marks: marks)
    }

    private static func roundStep(_ raw: Double) -> Double {
        let power = pow(10, floor(log10(raw)))
        let step = [1, 2, 2.5, 5, 10].first { $0 * power >= raw * (1 - 1e-9) } ?? 10
        return step * power
    }

    /// Between round numbers around `lowest` and `highest`, both above 0.
    ///
    /// - Parameters:
    ///   - marksMax: about how many marks have room.
    ///   - gap: how far a mark at an end is from the next, of the whole axis, for its label to have room.
    static func logarithmic(
        from lowest: Double, to highest: Double, marksMax: Int = 8, gap: Double = 0.05, label: (Double) -> String
    ) -> AxisScale {
        let low = Self.roundSteps(from: lowest, to: lowest).first ?? lowest
        let top = max(highest, low * 1.9)
        let high = Self.roundSteps(from: top, to: top).last ?? top
        let steps = Self.roundSteps(from: low, to: high)
        var marked = steps
        if steps.count > marksMax {
            // Decades, every second one when they are many, and the ends where they are not near one.
            let decades = steps.filter { abs(log10($0) - log10($0).rounded()) < 1e-6 }
            let every = max(1, (decades.count + marksMax - 1) / marksMax)
            marked = decades.enumerated().filter { $0.offset % every == 0 }.map(\.element)
            let gapRatio = pow(high / low, gap)
            if let first = marked.first, first / low > gapRatio { marked.insert(low, at: 0) }
            if let last = marked.last, high / last > gapRatio { marked.append(high) }
        }
        let marks = marked.map { Mark(value: $0, label: label($0)) }
        return AxisScale(kind: .logarithmic, low: low, high: max(high, low * 2), marks: marks)
    }

    /// 1, 2 and 5 times powers of ten, from the last that is not above `low` to the first that is not below `high`.
    private static func roundSteps(from low: Double, to high: Double) -> [Double] {
        let all = (-3...15).flatMap { power in [1, 2, 5].map { $0 * pow(10, Double(power)) } }
        let first = all.lastIndex { $0 <= low * 1.000001 } ?? 0
        let last = all.firstIndex { $0 >= high * 0.999999 } ?? all.count - 1
        return Array(all[min(first, last)...max(first, last)])
    }

    /// Of times: linear while they are of one order, so that heights can be compared.
    static func time(from lowest: Double, to highest: Double) -> AxisScale {
        lowest > 0 && highest / lowest > 20
            ? Self.logarithmic(from: lowest, to: highest, label: Self.timeLabel)
            : Self.linear(to: highest, label: Self.timeLabel)
    }

    /// The shortest text of a round time: `200 µs`, `1.5 ms`.
    static func timeLabel(_ microseconds: Double) -> String {
        let (value, unit) =
            microseconds < 1000
            ? (microseconds, "µs")
            : microseconds < 1_000_000 ? (microseconds / 1000, "ms") : (microseconds / 1_000_000, "s")
        return microseconds == 0 ? "0" : Self.shortest(value) + "\u{A0}" + unit
    }

    /// `500`, `1.5k`, `2M`.
    static func countLabel(_ count: Double) -> String {
        if count < 1000 { return Self.shortest(count) }
        if count < 1_000_000 { return Self.shortest(count / 1000) + "k" }
        return count < 1e15 ? Self.shortest(count / 1_000_000) + "M" : HTMLText.number(count)
    }

    private static func shortest(_ value: Double) -> String {
        Int(exactly: value).map { NumberText.grouped($0) } ?? String(format: "%.3g", value)
    }

    /// Of the time within a run.
    static func seconds(from start: Double, to end: Double) -> AxisScale {
        let length = max(end - start, 0.001)
        let steps: [Double] = [
            0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400,
        ]
        let step = steps.first { length / $0 <= 7 } ?? length / 4
        let first = (start / step).rounded(.up)
        let count = Int(((end / step).rounded(.down) - first).clamped(to: 0...12))
        let marks = (0...count).map { index in
            let seconds = (first + Double(index)) * step
            return Mark(value: seconds, label: Self.secondsLabel(seconds, length), isMinor: index % 2 == 1 && count > 4)
        }
        return AxisScale(kind: .linear, low: start, high: start + length, marks: marks)
    }

    private static func secondsLabel(_ seconds: Double, _ length: Double) -> String {
        guard length > 120, let whole = Int(exactly: seconds.rounded()) else {
            return Self.shortest(seconds) + "\u{A0}s"
        }
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        let tail = String(format: hours > 0 ? "%02d:%02d" : "%d:%02d", minutes, rest)
        return hours > 0 ? "\(hours):\(tail)" : tail
    }

    /// Of percentiles, as far as so many samples tell.
    static func tail(samples count: UInt64) -> AxisScale {
        let nines = min(7, max(1, log10(Double(max(count, 1)))))
        let percents: [(Double, String)] = [
            (0, "0"), (50, "50"), (90, "90"), (99, "99"), (99.9, "99.9"), (99.99, "99.99"), (99.999, "99.999"),
            (99.9999, "99.9999"),
        ]
        let marks = percents.filter { Self.nines($0.0) <= nines + 1e-9 }.map { percent, text in
            Mark(
                value: percent, label: text + "\u{A0}%", isMinor: percent == 50 || percent == 99.99 || percent > 99.999)
        }
        return AxisScale(kind: .tail, low: 0, high: nines, marks: marks)
    }
}

extension Double {
    fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
        self.isNaN ? range.lowerBound : Swift.min(range.upperBound, Swift.max(range.lowerBound, self))
    }
}
