public import ArgumentParser
import Foundation
import Glibc
import Reactor

/// What a command says: its answer on standard output, where a write that fails is never taken for success, and
/// everything else on standard error.
public struct ToolConsole: Sendable {
    /// Standard output's name where a file's name is asked for.
    public static let standardOutputName = "<stdout>"
    /// EX_IOERR of sysexits.h: the answer could not be written.
    public static let outputFailed = ExitCode(74)

    private let tool: String

    /// - Parameter tool: the command's name, which begins each of its messages.
    public init(tool: String) { self.tool = tool }

    public func printError(_ message: String) { self.printToStandardError("\(self.tool): error: \(message)\n") }

    public func printNote(_ message: String) { self.printToStandardError("\(self.tool): note: \(message)\n") }

    public func printToStandardError(_ text: String) {
        // Nobody is left to tell when standard error itself fails.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Writes a line at once, so that what is piped comes as it happens.
    ///
    /// - Throws: what to exit with, after the failure was said.
    public func printLine(_ line: String) throws(ExitCode) { try self.write(line + "\n") }

    public func write(_ text: String) throws(ExitCode) {
        do { try FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) } catch {
            throw self.failed(Self.systemError(of: error) ?? 0)
        }
    }

    /// Says that a write to standard output failed, and why. A reader that has enough (`| head`) is no failure.
    ///
    /// - Parameter code: the errno; 0 when it is not known.
    /// - Returns: what to exit with.
    public func failed(_ code: Int32) -> ExitCode {
        guard code != EPIPE else { return .success }
        let reason = code == 0 ? "EIO" : SystemError.name(of: code)
        self.printError("standard output cannot be written: \(reason)")
        return Self.outputFailed
    }

    /// Why something failed, with the errno's name where there is one, since Foundation's sentences leave it out.
    public static func reason(of error: any Error) -> String {
        guard let code = Self.systemError(of: error) else { return error.localizedDescription }
        let name = SystemError.name(of: code)
        return switch code {
        case ENOENT: "there is no such file (\(name))"
        case EACCES, EPERM: "its permissions do not allow it (\(name))"
        case EISDIR: "it is a directory (\(name))"
        case ENOSPC: "no space is left (\(name))"
        default: name
        }
    }

    /// The errno where there is one, which Foundation keeps in the error or in the one beneath it.
    public static func systemError(of error: any Error) -> Int32? {
        let outer = error as NSError
        let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError
        return [outer, inner].compactMap { $0 }.first { $0.domain == NSPOSIXErrorDomain }.map { Int32($0.code) }
    }
}
