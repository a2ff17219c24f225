import ArgumentParser
import Foundation
import LoadGeneration
import LoadReport
import Reactor
import Settings
import Terminal

/// A load, or a search for the highest one: from what was asked for to the exit status.
struct LoadCommand {
    private let flags: LoadFlags
    let output: ReportFlags

    init(_ flags: LoadFlags, _ output: ReportFlags) {
        self.flags = flags
        self.output = output
    }

    func run() throws {
        // Everything that can be wrong is found before anything is loaded.
        let asked: LoadReader
        do throws(SettingsErrors) {
            asked = try LoadReader.read(scenario: self.output.scenario, self.flags)
        } catch {
            Console.printToStandardError("\(error)\n")
            throw BenchExit.unusable
        }
        let files = try Console.orExit { () throws(BenchFailure) in try self.output.files() }
        let plan = try self.plan(asked.draft)
        try Console.orExit { () throws(LoadFailure) in try plan.check() }
        if let summary = asked.scenarioSummary { Console.printNote("\(plan.scenario ?? ""): \(summary)") }
        if let objectives = asked.draft.objectives {
            try self.findMax(plan, objectives, files)
        } else {
            try self.load(plan, asked.draft, files)
        }
    }

    // MARK: The plan

    private func plan(_ draft: LoadDraft) throws -> LoadPlan {
        let server = try self.address(draft)
        let wish = draft.io.flatMap(LoopBackend.Wish.init) ?? .automatic
        let (backend, fallback) = try Console.orExit("--io \(wish.rawValue)") { () throws(SystemError) in
            try LoopBackend.probe(wish)
        }
        if let fallback { Console.printNote("epoll carries the load, since io_uring is not available: \(fallback)") }
        let keys = try Console.orExit { () throws(BenchFailure) in try LoadKeys.load(draft) }
        let scenario = self.output.scenario.map {
            URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent
        }
        return draft.plan(
            server: server, backend: backend, keys: keys, scenario: scenario, toolVersion: OapBench.version)
    }

    private func address(_ draft: LoadDraft) throws -> Reactor.SocketAddress {
        let named = ProcessInfo.processInfo.environment[LoadDefaults.serverVariable].flatMap { $0.isEmpty ? nil : $0 }
        let text = draft.server ?? named ?? LoadDefaults.server
        let source = draft.server == nil && named != nil ? LoadDefaults.serverVariable : "--server"
        return try Console.orExit("\(source) \"\(text)\"") { () throws(ServerAddress.Fault) in
            try ServerAddress.parse(text)
        }
    }
}
