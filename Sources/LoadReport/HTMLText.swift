import Foundation
import Terminal

/// Text and numbers as they stand in a page.
enum HTMLText {
    /// Text from anywhere, as content or within a quoted attribute. What turns the direction of writing is made visible.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in TerminalText.printable(text) {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
        return result
    }

    /// `87.2 µs`, with a space that does not break.
    static func time(_ microseconds: Double) -> String {
        let (value, unit) = NumberText.timeParts(microseconds: microseconds)
        return "\(value)\u{A0}\(unit == "us" ? "µs" : unit)"
    }

    /// A text of `NumberText`, in which `87.2us` is `87.2 µs`.
    static func units(_ text: String) -> String {
        Self.escaped(text).replacing(/([0-9])(us|ms|s)\b/) {
            "\($0.output.1)\u{A0}\($0.output.2 == "us" ? "µs" : $0.output.2)"
        }
    }

    /// A coordinate: one decimal, none where it is 0.
    static func coordinate(_ value: Double) -> String {
        let text = String(format: "%.1f", value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A number for a script, at four digits.
    static func number(_ value: Double) -> String { String(format: "%.4g", value) }

    /// `<tag class="…">content</tag>`; the content is markup already.
    static func element(_ tag: String, _ classes: String, _ content: String) -> String {
        "<\(tag) class=\"\(classes)\">\(content)</\(tag)>"
    }

    /// Names and values, both escaped here.
    static func facts(_ facts: [Fact]) -> String {
        let rows = facts.map { "<dt>\(Self.escaped($0.name))</dt><dd>\(Self.escaped($0.value))</dd>" }
        return "<dl>\(rows.joined())</dl>"
    }

    /// - Parameters:
    ///   - caption: says what the table is, for those who do not see where it stands.
    ///   - rows: markup; the first cell of each is its head.
    static func table(caption: String, heads: [String], rows: [[String]], classes: String = "") -> String {
        let head = heads.map { "<th scope=\"col\">\($0)</th>" }.joined()
        let body = rows.map { row in
            "<tr><th scope=\"row\">\(row.first ?? "")</th>" + row.dropFirst().map { "<td>\($0)</td>" }.joined()
                + "</tr>"
        }
        return "<div class=\"scroll\"><table class=\"\(classes)\"><caption>\(caption)</caption>"
            + "<thead><tr>\(head)</tr></thead><tbody>\(body.joined())</tbody></table></div>"
    }
}
