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
    @Option(help: ArgumentHelp("Also write the report as JSON, for programs.", valueName: "file"))
    var json: String?
    @Option(help: ArgumentHelp("Also write a row for each second.", valueName: "file"))
    var csv: String?
    @Option(help: ArgumentHelp("Also write an HdrHistogram log, for its tools.", valueName: "file"))
    var hdrLog: String?
    @Flag(help: "Show nothing while the load runs.")
    var noLive = false

    /// Where to write what, checked.
    func files() throws(BenchFailure) -> ReportFiles {
        let paths: [(ReportFiles.Kind, String?)] = [
            (.json, self.json), (.csv, self.csv), (.hdrLog, self.hdrLog),
        ]
        return try ReportFiles(paths.compactMap { kind, path in path.map { (kind: kind, path: $0) } })
    }
}
