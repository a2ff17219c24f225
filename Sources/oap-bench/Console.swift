import ArgumentParser
import Foundation
import Glibc
import Reactor

/// What the command says: its report on standard output, and everything else on standard error.
enum Console {
    /// Wrong usage, or nothing to load.
    static let unusable = ExitCode(2)
    /// EX_IOERR of sysexits.h: the report could not be written.
    static let outputFailed = ExitCode(74)

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

    /// Writes a line to standard output. A report that was not written must not look like success.
    static func printLine(_ line: String) throws(ExitCode) {
        do { try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8)) } catch {
            let code = Self.systemError(of: error)
            // `| head` has enough.
            guard code != EPIPE else { throw .success }
            let reason = code.map { SystemError.name(of: $0) } ?? error.localizedDescription
            Self.printError("standard output cannot be written: \(reason)")
            throw Self.outputFailed
        }
    }

    /// The errno where there is one, which Foundation keeps in the error or in the one beneath it.
    static func systemError(of error: any Error) -> Int32? {
        let outer = error as NSError
        let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError
        return [outer, inner].compactMap { $0 }.first { $0.domain == NSPOSIXErrorDomain }.map { Int32($0.code) }
    }

    private static func write(_ text: String) {
        // Nobody is left to tell when standard error itself fails.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
