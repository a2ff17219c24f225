internal import Glibc

/// How one of many keys or tenants is chosen.
public enum NumberChoice: Equatable, Sendable {
    /// Each as often as any other.
    case uniform
    /// The k-th most popular with a frequency in proportion to 1 / k^exponent.
    case zipf(exponent: Double)

    public static let exponentMax = 10.0

    /// `uniform` or `zipf(1.1)`.
    public var name: String {
        switch self {
        case .uniform: "uniform"
        case .zipf(let exponent): "zipf(\(exponent))"
        }
    }

    /// What makes no sense about it; nil when nothing does.
    var problem: String? {
        guard case .zipf(let exponent) = self, !(exponent > 0 && exponent <= Self.exponentMax) else { return nil }
        return "a Zipf exponent of \(exponent): it is above 0 and at most \(Self.exponentMax)"
    }
}

/// Draws numbers below a bound as a `NumberChoice` says, in memory that does not depend on the bound.
struct NumberDraw: Sendable {
    private enum Form {
        case uniform
        case zipf(ZipfRanks)
    }

    private let form: Form
    private let count: Int
    /// Spreads the popular ones over all numbers: neighbours in popularity are then no neighbours in the index.
    private let stride: Int

    init(_ choice: NumberChoice, count: Int) {
        self.count = count
        switch choice {
        case .uniform:
            self.form = .uniform
            self.stride = 1
        case .zipf(let exponent):
            self.form = .zipf(ZipfRanks(count: count, exponent: exponent))
            self.stride = Self.stride(count: count)
        }
    }

    /// 0 up to `count`.
    @inline(__always)
    func next(_ random: inout RandomNumbers) -> Int {
        switch self.form {
        case .uniform: random.next(below: self.count)
        case .zipf(let ranks): self.number(rank: ranks.next(&random))
        }
    }

    /// One to one, since stride and count have no common divisor.
    func number(rank: Int) -> Int {
        let product = (rank - 1).multipliedFullWidth(by: self.stride)
        return self.count.dividingFullWidth(product).remainder
    }

    /// Near the golden section of `count`, and without a common divisor with it.
    private static func stride(count: Int) -> Int {
        var stride = max(1, Int(Double(count) * 0.618_033_988_749_895))
        while Self.commonDivisor(stride, count) != 1 { stride += 1 }
        return stride
    }

    private static func commonDivisor(_ first: Int, _ second: Int) -> Int {
        var (larger, smaller) = (first, second)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger
    }
}

/// Ranks 1 to `count` with probabilities in exact proportion to 1 / rank^exponent, by rejection-inversion (Hörmann and
/// Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", 1996): a constant
/// number of steps and no table.
///
/// The area below the curve x^-exponent from half a rank below to half a rank above is inverted, and the few points
/// that lie outside the rank's own bar are thrown away.
struct ZipfRanks: Sendable {
    private let count: Double
    private let exponent: Double
    private let areaFirst: Double
    private let areaLast: Double
    /// Points so near their rank are inside its bar for certain.
    private let nearness: Double

    init(count: Int, exponent: Double) {
        self.count = Double(count)
        self.exponent = exponent
        // The first bar is taken as a whole, without its half below rank one.
        self.areaFirst = Self.area(1.5, exponent) - 1
        self.areaLast = Self.area(Double(count) + 0.5, exponent)
        self.nearness = 2 - Self.inverse(Self.area(2.5, exponent) - pow(2, -exponent), exponent)
    }

    func next(_ random: inout RandomNumbers) -> Int {
        while true {
            let uniform = Double(random.next() >> 11) * 0x1p-53
            let area = self.areaLast + uniform * (self.areaFirst - self.areaLast)
            let point = Self.inverse(area, self.exponent)
            let rank = min(max(point.rounded(), 1), self.count)
            if rank - point <= self.nearness
                || area >= Self.area(rank + 0.5, self.exponent) - exp(-self.exponent * log(rank))
            {
                return Int(rank)
            }
        }
    }

    /// The integral of x^-exponent from 1, which at exponent one is the logarithm.
    private static func area(_ point: Double, _ exponent: Double) -> Double {
        let logarithm = log(point)
        return Self.growth((1 - exponent) * logarithm) * logarithm
    }

    private static func inverse(_ area: Double, _ exponent: Double) -> Double {
        // Rounding must not leave what the logarithm is defined for.
        let scaled = max(area * (1 - exponent), -1)
        return exp(Self.logarithmicGrowth(scaled) * area)
    }

    /// (e^x - 1) / x, also where x is next to nothing.
    private static func growth(_ value: Double) -> Double {
        abs(value) > 1e-8 ? expm1(value) / value : 1 + value / 2 * (1 + value / 3)
    }

    /// log(1 + x) / x, also where x is next to nothing.
    private static func logarithmicGrowth(_ value: Double) -> Double {
        abs(value) > 1e-8 ? log1p(value) / value : 1 - value * (0.5 - value / 3)
    }
}
