import ArgumentParser
import Foundation
import Glibc
import Reactor

/// Standard output, checked: an answer that was not written must not look like success.
enum StandardOutput {
    /// Its name where a file's name is asked for.
    static let name = "<stdout>"

    /// Writes a line at once, so that what is piped comes as it happens.
    static func printLine(_ line: String) throws(ExitCode) { try Self.write(line + "\n") }

    static func write(_ text: String) throws(ExitCode) {
        do { try FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) } catch {
            throw Self.failed(Self.systemError(of: error))
        }
    }

    /// Says that a write failed, and why; returns what to exit with. A reader that has enough (`| head`) is no failure.
    ///
    /// - Parameter code: the errno; 0 when it is not known.
    static func failed(_ code: Int32) -> ExitCode {
        guard code != EPIPE else { return .success }
        let reason = code == 0 ? "EIO" : SystemError.name(of: code)
        IndexConsole.printError("standard output cannot be written: \(reason)")
        return IndexConsole.inputOutputFailed
    }

    /// Foundation keeps the errno in the error or in the one beneath it.
    private static func systemError(of error: any Error) -> Int32 {
        let outer = error as NSError
        let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError
        let system = [outer, inner].compactMap { $0 }.first { $0.domain == NSPOSIXErrorDomain }
        return system.map { Int32($0.code) } ?? 0
    }
}
