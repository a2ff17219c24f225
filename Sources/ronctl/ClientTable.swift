/// Columns that line up on a terminal and in a pipe alike: two spaces between them and none at a line's end.
struct ClientTable {
    private var rows: [[String]] = []
    private let heads: [String]
    /// Columns whose cells stand at the right.
    private let right: Set<Int>

    init(_ heads: [String], right: Set<Int> = []) {
        self.heads = heads
        self.right = right
    }

    mutating func append(_ row: [String]) { self.rows.append(row) }

    func lines(indent: Int = 0) -> [String] {
        var widths = self.heads.map(ClientText.width)
        for row in self.rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], ClientText.width(cell)) }
        }
        let margin = String(repeating: " ", count: indent)
        let head = margin + ClientText.styled(self.line(self.heads, widths), .bold)
        return [head] + self.rows.map { margin + self.line($0, widths) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let fill = String(repeating: " ", count: widths[column] - ClientText.width(cell))
            if self.right.contains(column) {
                line += fill + cell
            } else {
                line += column == cells.count - 1 ? cell : cell + fill
            }
            if column < cells.count - 1 { line += "  " }
        }
        return line
    }
}
