import ArgumentParser
import Glibc
import LoadGeneration
import LoadReport
import Reactor
import Terminal

extension LoadCommand {
    // MARK: A load

    func load(_ plan: LoadPlan, _ draft: LoadDraft, _ files: ReportFiles) throws {
        let thresholds = draft.thresholds ?? []
        let control = try Console.orExit { () throws(SystemError) in try LoadControl() }
        let interruption = Interruption()
        interruption.watch(control)
        var live = self.liveView(plan)
        var rule = draft.isAbortedOnFail == true ? AbortRule(thresholds, dueTotal: plan.requestsDueTotal) : nil
        var abortedBy: Threshold?
        var report = try Console.orExit { () throws(LoadFailure) in
            defer { live?.finish() }
            return try LoadRun.run(plan, control) { interval in
                // What comes after the last request was due and has nothing to tell.
                if interval.due > 0 || interval.answers > 0 { live?.update(interval) }
                guard abortedBy == nil, let threshold = rule?.observe(interval) else { return }
                abortedBy = threshold
                control.stop(.aborted)
            }
        }
        LoadVerdict.settle(&report, thresholds)
        if let abortedBy { Console.printNote("ended early: \(abortedBy.expression) is missed and stays so") }
        try self.publish(report, files)
        for hint in LoadHints.of(report) { Console.printNote(hint) }
        if let status = LoadVerdict.exit(report.verdict) { throw status }
    }

    private func liveView(_ plan: LoadPlan) -> LiveView? {
        guard !self.output.noLive else { return nil }
        return LiveView(
            title: "\(plan.workload.rawValue) on \(plan.server)", rate: plan.rate,
            durationSeconds: Double(plan.durationNanoseconds) / 1e9,
            warmupSeconds: Double(plan.warmupNanoseconds) / 1e9, style: .standardError,
            isTerminal: isatty(STDERR_FILENO) == 1,
            size: { TerminalSize.of(STDERR_FILENO) ?? .standard },
            write: { Console.printToStandardError($0) })
    }

    private func publish(_ report: LoadReport, _ files: ReportFiles) throws {
        try self.publish(
            files, text: { report.text(style: .standardOutput) }, json: { try report.json() },
            file: { try Self.content(of: report, $0) })
    }

    private static func content(of report: LoadReport, _ kind: ReportFiles.Kind) throws -> String {
        switch kind {
        case .json: try report.json() + "\n"
        case .csv: report.csv()
        case .hdrLog: try report.hdrLog()
        case .html: report.html()
        }
    }

    /// Files first: what is on the screen is seen to be lost, a file is not.
    private func publish(
        _ files: ReportFiles, text: () -> String, json: () throws -> String,
        file content: (ReportFiles.Kind) throws -> String
    ) throws {
        var hasFailed = false
        for kind in files.kinds {
            do throws(BenchFailure) { try files.write(kind) { try content(kind) } } catch {
                Console.printError(error.description)
                hasFailed = true
            }
        }
        switch self.output.format {
        case .text: try Console.printLine(text())
        case .json: try Console.printLine(try json())
        }
        if hasFailed { throw BenchExit.outputFailed }
    }

    // MARK: A search

    func findMax(_ plan: LoadPlan, _ objectives: [Threshold], _ files: ReportFiles) throws {
        let isShown = !self.output.noLive
        var search = FindMax(plan: plan, objectives: objectives, interruption: Interruption()) { probe in
            guard isShown else { return }
            Console.printToStandardError(probe.line + "\n")
        }
        let found = try Console.orExit { () throws(LoadFailure) in try search.run() }
        try self.publish(found, files)
        switch found.result {
        case .found: return
        case .generatorLimit: throw BenchExit.generatorLimit
        case .nothingHolds, .unsteady, .interrupted: throw BenchExit.failed
        }
    }

    /// The search as JSON; the other files show the run that confirmed its rate.
    private func publish(_ found: RateSearchReport, _ files: ReportFiles) throws {
        try self.publish(files, text: { found.text(style: .standardOutput) }, json: { try found.json() }) { kind in
            guard kind != .json else { return try found.json() + "\n" }
            return try found.report.map { try Self.content(of: $0, kind) } ?? ""
        }
    }
}
