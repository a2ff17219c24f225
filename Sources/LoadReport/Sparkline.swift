/// A row of bars that shows a course of values in one line of text.
enum Sparkline {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// A bar for each value, scaled from 0 to the highest; a blank where there is none.
    static func text(_ values: some Sequence<Double?>) -> String {
        let values = Array(values)
        let highest = values.compactMap { $0 }.max() ?? 0
        return String(
            values.map { value -> Character in
                guard let value else { return " " }
                guard highest > 0, value.isFinite else { return Self.bars[0] }
                return Self.bars[min(Self.bars.count - 1, max(0, Int(value / highest * Double(Self.bars.count))))]
            })
    }
}
