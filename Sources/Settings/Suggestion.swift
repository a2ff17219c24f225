/// "Did you mean": the known word that is nearest to a mistyped one.
public enum Suggestion {
    /// The nearest candidate, or nil when none is near: at most a third of the letters may differ.
    public static func nearest<Words: Sequence<String>>(to word: String, among candidates: Words) -> String? {
        let mistyped = Self.normalized(word)
        // Nothing that we know is that long, and the distance costs the product of the lengths.
        guard mistyped.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let letters = Self.normalized(candidate)
            let distance = Self.distance(mistyped, letters)
            guard distance <= max(1, max(mistyped.count, letters.count) / 3) else { continue }
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    private static func normalized(_ word: String) -> [UInt8] {
        word.utf8.prefix(65).map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "_")
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            default: byte
            }
        }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
    static func distance(_ from: [UInt8], _ to: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...to.count)
        for (row, letter) in from.enumerated() {
            var current = [row + 1]
            for (column, other) in to.enumerated() {
                var cost = min(previous[column + 1] + 1, current[column] + 1)
                cost = min(cost, previous[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == to[column - 1], from[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[to.count]
    }
}

extension String {
    /// In quotes, and escaped.
    public var quoted: String { "\"\(self.escaped)\"" }

    /// Fit for one line of a terminal: quotes, backslashes and invisible characters escaped, long text cut.
    var escaped: String {
        var text = ""
        for scalar in self.unicodeScalars.prefix(80) {
            switch scalar {
            case "\"", "\\":
                text += "\\\(scalar)"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                    text += "\\u{\(String(scalar.value, radix: 16))}"
                default:
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        return text + (self.unicodeScalars.dropFirst(80).isEmpty ? "" : "…")
    }
}
