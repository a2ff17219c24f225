import ArgumentParser

/// Where a report goes, and what else there is to print.
struct ReportFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A TOML file that says what to do, with the flags above as keys: zipf_exponent = 1.1. Flags override it.",
            valueName: "file"))
    var scenario: String?
    @Option(help: "Form of the report on standard output.")
    var format = OapBench.Format.text
    @Option(help: ArgumentHelp("Also write the report as JSON, for --compare and for programs.", valueName: "file"))
    var json: String?
    @Option(help: ArgumentHelp("Also write a row for each second.", valueName: "file"))
    var csv: String?
    @Option(help: ArgumentHelp("Also write an HdrHistogram log, for its tools.", valueName: "file"))
    var hdrLog: String?
    @Option(help: ArgumentHelp("Also write a page with plots, which needs nothing else.", valueName: "file"))
    var html: String?
    @Flag(help: "Show nothing while the load runs.")
    var noLive = false
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Instead of a load: whether the second of two JSON reports is faster, and how sure that is. With several "
                + "runs a side (b1.json,b2.json a1.json,a2.json) the machine's drift between runs counts as chance.",
            valueName: "before.json after.json"))
    var compare: [String] = []
    @Flag(help: "Instead of a load: print the JSON Schema of the JSON report.")
    var printSchema = false

    /// Where to write what, checked.
    func files() throws(BenchFailure) -> ReportFiles {
        let paths: [(ReportFiles.Kind, String?)] = [
            (.json, self.json), (.csv, self.csv), (.hdrLog, self.hdrLog), (.html, self.html),
        ]
        return try ReportFiles(paths.compactMap { kind, path in path.map { (kind: kind, path: $0) } })
    }
}
