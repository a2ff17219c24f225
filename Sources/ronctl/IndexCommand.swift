import ArgumentParser
import Foundation
import IndexStore

/// `ronctl index …`: works on the index's files, beside a running gateway as well as alone.
struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Import, export, read and change the records of an index.",
        discussion: """
            The index is a directory with LMDB's files; without --index-path it is the one that svc-gateway opens with \
            the configuration found here (see `ronctl config show`). These commands work beside running gateways, which answer \
            with what was committed from their next turn on, and without any.

            Records are JSON: {"key":"name:site","manifest":"b3:<64 hex>"|null,"providers":[{"id":"…","region":"…",\
            "score":0.9}]}. The etag is made by the store.

            Exit status: 0 done; 1 a key is not there; 64 wrong usage; 65 a bad record or line; 66 no index; 74 input \
            or output failed; 77 permission denied; 78 the configuration is wrong.
            """,
        subcommands: [
            IndexImport.self, IndexExport.self, IndexPut.self, IndexGet.self, IndexDelete.self, IndexStats.self,
        ])

    enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }
}

/// What ends a command with a message: `ronctl: error: …` on standard error, and the exit status.
enum IndexConsole {
    /// Exit statuses of sysexits.h, which scripts know.
    static let keyMissing = ExitCode(1)
    static let badData = ExitCode(65)
    static let noIndex = ExitCode(66)
    static let inputOutputFailed = ExitCode(74)

    static func printError(_ message: String) {
        Self.printToStandardError("ronctl: error: \(message)\n")
    }

    static func printToStandardError(_ text: String) {
        // Nobody is left to tell when standard error itself fails.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Runs the command's work; a failure of the store becomes its message and exit status.
    static func run<Value: ~Copyable>(_ work: () throws(IndexError) -> Value) throws -> Value {
        do throws(IndexError) {
            return try work()
        } catch {
            if error.path == StandardOutput.name { throw StandardOutput.failed(error.code) }
            Self.printError(error.description)
            throw Self.exitCode(for: error.cause)
        }
    }

    private static func exitCode(for cause: IndexError.Cause) -> ExitCode {
        switch cause {
        case .missing: Self.noIndex
        case .permissionDenied: ExitCode(77)
        case .alreadyOpen, .notADirectory, .readOnlyFileSystem, .diskFull, .mapFull, .readersFull, .addressSpaceShort,
            .damaged, .fileAccess, .system:
            Self.inputOutputFailed
        }
    }

    /// `1234567` as `1,234,567`.
    static func grouped(_ number: Int) -> String {
        var digits = Array(String(number.magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }

    /// Bytes with a binary unit and one decimal: `12.5 MiB`.
    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return unit == "B" ? "\(count) B" : "\(Self.decimals(value, 1)) \(unit)" }
            value /= 1024
        }
        return "\(Self.decimals(value, 1)) TiB"
    }

    static func decimals(_ value: Double, _ places: Int) -> String {
        String(format: "%.\(places)f", value)
    }
}
