import ArgumentParser
import Foundation
import IndexStore
import Terminal

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

    /// Runs the command's work; a failure of the store becomes its message and exit status.
    static func run<Value: ~Copyable>(_ work: () throws(IndexError) -> Value) throws -> Value {
        do throws(IndexError) {
            return try work()
        } catch {
            if error.path == ToolConsole.standardOutputName { throw console.failed(error.code) }
            console.printError(error.description)
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
}
