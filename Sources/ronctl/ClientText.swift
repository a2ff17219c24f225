import ArgumentParser
import Foundation
import Glibc

/// Text for terminals: what it shows, how wide it is, and whether it may have colours.
enum ClientText {
    /// Text from elsewhere, safe to print: what moves the cursor or turns the direction of writing becomes an escape.
    static func printable(_ text: String) -> String {
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

    /// Cells that the text takes on a terminal.
    static func width(_ text: String) -> Int { text.reduce(0) { $0 + Self.width($1) } }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - Self.width(text)))
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

    // MARK: Colours

    enum Style: String {
        case bold = "1"
        case red = "31"
        case dim = "2"
    }

    /// The text in a style, or as it is when standard output is no terminal or NO_COLOR is set.
    static func styled(_ text: String, _ style: Style) -> String {
        Self.hasColours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    private static let hasColours: Bool = {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }()

    /// Writes a line to standard output at once, so that what is piped comes as it happens.
    static func printLine(_ line: String) throws(ClientFailure) {
        do throws(ExitCode) { try StandardOutput.printLine(line) } catch { throw ClientFailure(output: error) }
    }

    /// Milliseconds with three decimals.
    static func milliseconds(_ duration: Duration) -> String { String(format: "%.3f", duration / .milliseconds(1)) }
}
