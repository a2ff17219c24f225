import Foundation
import Glibc

/// How text may look where it goes: with colours or without, and how many columns there are.
public struct TextStyle: Equatable, Sendable {
    /// SGR parameters of ECMA-48.
    public enum Accent: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    public static let columnsDefault = 80

    public let hasColours: Bool
    public let columns: Int

    public init(hasColours: Bool, columns: Int) {
        self.hasColours = hasColours
        self.columns = columns
    }

    /// Without colours, in 80 columns: for files and pipes.
    public static let plain = TextStyle(hasColours: false, columns: Self.columnsDefault)
    /// Of standard output as it was when it was first asked for.
    public static let standardOutput = TextStyle(of: STDOUT_FILENO)
    public static let standardError = TextStyle(of: STDERR_FILENO)

    /// No colours when it is no terminal, NO_COLOR is set, or the terminal is a dumb one.
    private init(of descriptor: Int32) {
        let environment = ProcessInfo.processInfo.environment
        self.hasColours =
            isatty(descriptor) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        self.columns = TerminalSize.of(descriptor)?.columns ?? Self.columnsDefault
    }

    /// The text with accents, or as it is where there are no colours.
    public func styled(_ text: String, _ accents: Accent...) -> String {
        guard self.hasColours, !accents.isEmpty else { return text }
        return "\u{1B}[\(accents.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }
}
