/// Text that a terminal shows as it is meant: what is safe to print, and how many cells it takes.
public enum TerminalText {
    /// Text from elsewhere, safe to print: what moves the cursor or turns the direction of writing becomes an escape.
    public static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            case .format where scalar.value != 0x200C && scalar.value != 0x200D:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Cells that the text takes on a terminal; escape sequences are not told apart from text.
    public static func width(_ text: String) -> Int { text.reduce(0) { $0 + Self.width($1) } }

    /// The text and spaces behind it up to `width` cells.
    public static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - Self.width(text)))
    }

    /// Spaces and the text, `width` cells together.
    public static func leftPadded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - Self.width(text))) + text
    }

    /// The text, or as much of it as fits `width` cells with an ellipsis behind it.
    public static func cut(_ text: String, _ width: Int) -> String {
        guard Self.width(text) > width else { return text }
        var result = ""
        var used = 0
        for character in text {
            used += Self.width(character)
            guard used < width else { break }
            result.append(character)
        }
        return width > 0 ? result + "…" : ""
    }

    /// Lines of at most `width` cells, broken at spaces; a word that is longer stands alone.
    public static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.isEmpty {
                line = String(word)
            } else if Self.width(line) + 1 + Self.width(String(word)) <= width {
                line += " " + word
            } else {
                lines.append(line)
                line = String(word)
            }
        }
        return lines + [line]
    }

    private static func width(_ character: Character) -> Int {
        var widest = 0
        for scalar in character.unicodeScalars {
            // VARIATION SELECTOR-16 asks for the emoji's form, which is wide.
            if scalar.value == 0xFE0F { return 2 }
            widest = max(widest, Self.width(scalar))
        }
        return widest
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return Self.wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    /// Wide and full-width blocks of Unicode's EastAsianWidth.txt.
    private static let wideRanges: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]
}
