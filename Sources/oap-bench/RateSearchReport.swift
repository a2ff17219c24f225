import Foundation
import LoadGeneration
import LoadReport
import Terminal

/// What a search for the highest rate has found, with every run that led there.
struct RateSearchReport: Encodable, Sendable {
    struct Probe: Encodable, Sendable {
        var phase: RateSearch.Phase
        /// Requests a second; of a closed loop the rate that came of it.
        var rate: Double
        var seconds: Double
        /// Nil for a closed loop, which only says where to start.
        var judgement: RateSearch.Judgement?
        /// Answers a second.
        var answersPerSecond: Double
        /// Microseconds, from when a request was due.
        var p50: Double
        var p99: Double
        var p999: Double
        /// Of what was due, 0 to 1.
        var errorShare: Double
        /// Processor time of the generator's busiest thread over elapsed time, 0 to 1.
        var processorShareMax: Double
        /// Time in which a thread of the generator was ready to run and had no processor, over elapsed time, 0 to 1.
        var processorWaitShareMax: Double
        var objectives: [LoadReport.ThresholdResult]
        var bottlenecks: [String]
    }

    enum Result: String, Encodable, Sendable {
        case found
        /// The generator offers no more: the gateway holds at least `rate`.
        case generatorLimit = "generator-limit"
        case nothingHolds = "nothing-holds"
        case unsteady
        case interrupted
    }

    /// Of its time: what a generator that has its own processor does not wait for it.
    private static let waitShareMax = 0.1
    /// Runs that overload one gateway answer equally much, but for so much.
    private static let driftRatioMax = 1.1

    static let schemaCurrent = "oap-bench-find-max/1"

    var schema = Self.schemaCurrent
    var result: Result
    /// The highest rate that held, requests a second; nil when none did.
    var rate: Double?
    var objectives: [String]
    var elapsedSeconds: Double
    var probes: [Probe]
    /// Of the run that confirmed the rate, or of the last one.
    var report: LoadReport?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension RateSearchReport.Probe {
    /// A line as it is over, while the search goes on.
    var line: String {
        let latency = NumberText.time(microseconds: self.p99)
        return "  \(TerminalText.padded(self.phase.rawValue, 9))  "
            + "\(TerminalText.leftPadded(NumberText.grouped(self.rate), 11)) a second, p99 "
            + "\(TerminalText.padded(latency, 6))  \(self.outcome)"
    }

    /// What it has said, in words.
    var outcome: String {
        switch self.judgement {
        case .held?: "held"
        case .missed?: "missed " + self.objectives.filter { !$0.passed }.map(\.expression).joined(separator: ", ")
        case .unusable?: "the generator's limit"
        case nil: "closed loop"
        }
    }
}

// MARK: - Text

extension RateSearchReport {
    func text(style: TextStyle) -> String {
        var table = TextTable(
            ["PHASE", "RATE", "ANSWERED", "P50", "P99", "P99.9", "ERRORS", "CPU", "WAIT", ""],
            right: [1, 2, 3, 4, 5, 6, 7, 8])
        for probe in self.probes { table.append(Self.row(probe)) }
        let lines = table.lines(indent: 2, style: style)
        let head = style.styled(self.headline, .bold, self.result == .found ? .green : .red)
        return ([head, ""] + lines + ["", self.footing]).joined(separator: "\n")
    }

    private static func row(_ probe: Probe) -> [String] {
        [
            probe.phase.rawValue, NumberText.grouped(probe.rate), NumberText.grouped(probe.answersPerSecond),
            NumberText.time(microseconds: probe.p50), NumberText.time(microseconds: probe.p99),
            NumberText.time(microseconds: probe.p999), NumberText.percent(probe.errorShare),
            NumberText.decimals(probe.processorShareMax * 100, 0) + " %",
            NumberText.decimals(probe.processorWaitShareMax * 100, 0) + " %", probe.outcome,
        ]
    }

    private var headline: String {
        let objectives = self.objectives.joined(separator: ", ")
        let rate = self.rate.map { NumberText.grouped($0) } ?? "-"
        switch self.result {
        case .found: return "\(rate) requests a second hold \(objectives)"
        case .generatorLimit:
            return
                "at least \(rate) requests a second hold \(objectives): the generator offers no more, so this is its "
                + "limit and not the gateway's"
        case .nothingHolds: return "no rate holds \(objectives)"
        case .unsteady:
            return "no rate holds \(objectives) for longer than a moment"
                + (self.rate.map { "; up to \(NumberText.grouped($0)) a second hold for one" } ?? "")
        case .interrupted: return "interrupted before a rate was found"
        }
    }

    private var footing: String {
        let time = NumberText.decimals(self.elapsedSeconds, 1)
        let sentence = "\(NumberText.counted(self.probes.count, "run")) in \(time) s."
        let advice: String =
            switch self.result {
            case .found: self.limitText
            case .generatorLimit:
                " To find the gateway's limit, use more --threads, another machine, or processors that the gateway does "
                    + "not use."
            case .nothingHolds: " The objectives may be below what the gateway needs for a single request."
            case .unsteady: " Something else on the machine may take its processors now and then."
            case .interrupted: ""
            }
        return sentence + advice + self.drift
    }

    /// Whose limit was found.
    private var limitText: String {
        let wait = self.probes.last { $0.judgement == .held }?.processorWaitShareMax ?? 0
        guard wait > Self.waitShareMax else { return " The gateway was the limit, not the generator." }
        return " The machine was the limit: the generator waited \(NumberText.percent(wait)) of the time for a "
            + "processor. Give it and the gateway processors of their own (taskset), and it will be the gateway's."
    }

    /// When the same gateway answered now more and now less of what was too much for it, a repeat will not agree.
    private var drift: String {
        let full = self.probes.filter { $0.judgement == .missed && $0.answersPerSecond < 0.98 * $0.rate }
            .map(\.answersPerSecond)
        guard let least = full.min(), let most = full.max(), most > Self.driftRatioMax * least else { return "" }
        return " Beyond its limit it answered \(NumberText.grouped(least)) to \(NumberText.grouped(most)) a second, "
            + "from run to run: the machine's speed changed meanwhile, so repeats may differ as much."
    }
}
