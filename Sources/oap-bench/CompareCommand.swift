import ArgumentParser
import Foundation
import LoadReport
import Terminal

/// `--compare`: reports of earlier runs beside each other, one or several of each side.
struct CompareCommand {
    private let output: ReportFlags

    /// - Throws: when flags were given that only a load has.
    init(_ output: ReportFlags, loadFlags: LoadFlags) throws {
        guard output.compare.count == 2 else {
            throw ValidationError(
                "--compare takes two sides, BEFORE.json and AFTER.json; of several runs a side, each a list as "
                    + "b1.json,b2.json,b3.json.")
        }
        let ignored = loadFlags.given.map { "--" + $0.key.flag } + (output.scenario == nil ? [] : ["--scenario"])
        guard ignored.isEmpty else {
            throw ValidationError("--compare loads nothing; leave out \(ignored.joined(separator: ", ")).")
        }
        for (flag, path) in [("--json", output.json), ("--csv", output.csv), ("--hdr-log", output.hdrLog)]
        where path != nil {
            throw ValidationError("--compare writes a text or, with --html, a page; leave out \(flag).")
        }
        self.output = output
    }

    func run() throws {
        let files = try Console.orExit { () throws(BenchFailure) in try self.output.files() }
        let comparison = try LoadComparison(
            self.reports(self.output.compare[0]), self.reports(self.output.compare[1]))
        do throws(BenchFailure) { try files.write(.html) { comparison.html() } } catch {
            Console.printError(error.description)
            throw BenchExit.outputFailed
        }
        try Console.printLine(comparison.text(style: .standardOutput))
        if case .refused = comparison.verdict { throw BenchExit.unusable }
    }

    /// Of one side, by commas apart.
    private func reports(_ side: String) throws -> [LoadReport] {
        let paths = side.split(separator: ",").map(String.init)
        // The same run twice would count as two that agree.
        if let twice = Dictionary(grouping: paths, by: \.self).values.first(where: { $0.count > 1 }) {
            Console.printError("--compare \(side): \(twice[0]) is named twice; name each run once")
            throw BenchExit.unusable
        }
        return try (paths.isEmpty ? [side] : paths).map(self.report)
    }

    private func report(_ path: String) throws -> LoadReport {
        let data: Data
        do {
            data = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).readToEnd() ?? Data()
        } catch {
            Console.printError("--compare \(path): cannot be read: \(ToolConsole.reason(of: error))")
            throw BenchExit.unusable
        }
        return try Console.orExit("--compare \(path)") { () throws(LoadReportFault) in
            try LoadReport(json: data)
        }
    }
}
