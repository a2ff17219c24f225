/// Why a text is no threshold; says what was expected.
public struct ThresholdFault: Error, Equatable, CustomStringConvertible {
    public let description: String
}

extension Threshold {
    /// The metrics by name, for help texts.
    public static let metricNames =
        "p50 to p99.999 (any pNN), mean, min, max, lag.p99 (any lag.pNN), lag.mean, lag.max, errors, unanswered, rate, "
        + "connections_lost"

    /// - Parameter text: METRIC, one of `<` `<=` `>` `>=`, and a limit with its unit; spaces between them do not count.
    public init(parsing text: String) throws(ThresholdFault) {
        let expression = String(text.filter { $0 != " " })
        guard let sign = expression.firstIndex(where: { $0 == "<" || $0 == ">" }) else {
            throw ThresholdFault(
                description: "a threshold is a metric, one of < <= > >=, and a limit, such as p99<2ms or errors<0.1%")
        }
        let behind = expression[sign...].dropFirst()
        let relationText = String(expression[sign]) + (behind.first == "=" ? "=" : "")
        let limitText = behind.first == "=" ? behind.dropFirst() : behind
        guard let relation = Relation(rawValue: relationText) else {
            throw ThresholdFault(description: "a threshold compares with one of < <= > >=")
        }
        let metric = try Metric(parsing: expression[..<sign])
        let limit = try metric.limit(parsing: limitText)
        self.init(expression: expression, metric: metric, relation: relation, limit: limit)
    }
}

extension Threshold.Metric {
    fileprivate init(parsing name: Substring) throws(ThresholdFault) {
        switch name {
        case "mean": self = .mean
        case "min": self = .min
        case "max": self = .max
        case "lag.mean": self = .lagMean
        case "lag.max": self = .lagMax
        case "errors": self = .errors
        case "unanswered": self = .unanswered
        case "rate": self = .rate
        case "connections_lost": self = .connectionsLost
        case _ where name.hasPrefix("p"): self = .percentile(try Self.percentile(name))
        case _ where name.hasPrefix("lag.p"): self = .lagPercentile(try Self.percentile(name.dropFirst(4)))
        default:
            throw ThresholdFault(description: "\"\(name)\" is no metric; there are \(Threshold.metricNames)")
        }
    }

    private static func percentile(_ name: Substring) throws(ThresholdFault) -> Double {
        guard let percentile = Self.number(name.dropFirst()) else {
            throw ThresholdFault(description: "\"\(name)\" is no metric; there are \(Threshold.metricNames)")
        }
        guard percentile > 0, percentile <= 100 else {
            let digits = name.dropFirst(3).filter { $0 != "." }
            let hint = percentile > 100 ? "; did you mean \(name.prefix(3)).\(digits)?" : ""
            throw ThresholdFault(
                description: "\"\(name)\" is no percentile: they are above 0 and at most 100, such as p99.9\(hint)")
        }
        return percentile
    }

    fileprivate func limit(parsing text: Substring) throws(ThresholdFault) -> Double {
        let (number, unit) = Self.split(text)
        switch self {
        case .percentile, .mean, .min, .max, .lagPercentile, .lagMean, .lagMax:
            let factors: [Substring: Double] = ["ns": 0.001, "us": 1, "µs": 1, "ms": 1000, "s": 1_000_000]
            guard let number, let factor = factors[unit] else {
                throw Self.fault(text, "a time with its unit, us, ms or s, such as 2ms")
            }
            return number * factor
        case .errors, .unanswered:
            guard let number, number <= 100, unit == "%" || (unit.isEmpty && number == 0) else {
                throw Self.fault(text, "a share of the requests due in percent, 0% to 100%, such as 0.1%")
            }
            return number / 100
        case .rate:
            guard let number, unit.isEmpty || unit == "/s" else {
                throw Self.fault(text, "answers a second, such as 500")
            }
            return number
        case .connectionsLost:
            guard let number, unit.isEmpty, number == number.rounded() else {
                throw Self.fault(text, "a whole number, such as 0")
            }
            return number
        }
    }

    private static func fault(_ text: Substring, _ expected: String) -> ThresholdFault {
        ThresholdFault(
            description: (text.isEmpty ? "there is no limit" : "\"\(text)\" is no limit") + "; it is \(expected)")
    }

    private static func split(_ text: Substring) -> (number: Double?, unit: Substring) {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        return (Self.number(digits), text[digits.endIndex...])
    }

    /// Digits with at most one point between them; `Double.init` takes "nan", "1e9" and hexadecimal numbers as well.
    private static func number(_ text: Substring) -> Double? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } }) else {
            return nil
        }
        return Double(text)
    }
}
