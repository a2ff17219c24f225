/// Columns that line up on a terminal and in a pipe alike: two spaces between them and none at a line's end.
public struct TextTable {
    private var rows: [[String]] = []
    /// Nil when the columns speak for themselves.
    private let heads: [String]?
    /// Columns whose cells stand at the right.
    private let right: Set<Int>

    public init(_ heads: [String]? = nil, right: Set<Int> = []) {
        self.heads = heads
        self.right = right
    }

    /// - Parameter row: as many cells as every other row, without escape sequences.
    public mutating func append(_ row: [String]) { self.rows.append(row) }

    /// - Parameters:
    ///   - indent: spaces in front of each line.
    ///   - style: shows the heads in bold where there are colours.
    public func lines(indent: Int = 0, style: TextStyle = .standardOutput) -> [String] {
        let all = (self.heads.map { [$0] } ?? []) + self.rows
        var widths = [Int](repeating: 0, count: all.first?.count ?? 0)
        for row in all {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], TerminalText.width(cell)) }
        }
        let margin = String(repeating: " ", count: indent)
        let head = self.heads.map { [margin + style.styled(self.line($0, widths), .bold)] } ?? []
        return head + self.rows.map { margin + self.line($0, widths) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let fill = String(repeating: " ", count: widths[column] - TerminalText.width(cell))
            if self.right.contains(column) {
                line += fill + cell
            } else {
                line += column == cells.count - 1 ? cell : cell + fill
            }
            if column < cells.count - 1 { line += "  " }
        }
        // Of cells that are empty.
        while line.last == " " { line.removeLast() }
        return line
    }
}
