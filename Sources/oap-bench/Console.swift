import ArgumentParser
import Foundation

/// What the command says on standard error.
enum Console {
    /// Wrong usage, or nothing to load.
    static let unusable = ExitCode(2)

    static func printError(_ message: String) { Self.write("oap-bench: error: \(message)\n") }
    static func printNote(_ message: String) { Self.write("oap-bench: note: \(message)\n") }

    /// Does the work; a failure becomes its message, after `subject`, and exit status 2.
    static func orExit<Value, Failure: Error & CustomStringConvertible>(
        _ subject: String? = nil, _ work: () throws(Failure) -> Value
    ) throws -> Value {
        do throws(Failure) {
            return try work()
        } catch {
            Self.printError((subject.map { "\($0): " } ?? "") + error.description)
            throw Self.unusable
        }
    }

    private static func write(_ text: String) {
        // Nobody is left to tell when standard error itself fails.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
