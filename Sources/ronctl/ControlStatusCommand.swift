import ArgumentParser
import ControlProtocol
import Terminal

/// `ronctl status`
struct ControlStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Print how a gateway on this machine is doing.",
        discussion: ControlExit.help("1 the gateway is not ready"))

    @OptionGroup var control: ControlOptions

    func run() throws {
        let report = try self.control.ask(.status, StatusReport.self)
        if !self.control.json {
            for line in StatusText(report).lines { try console.printLine(line) }
        }
        guard report.ready else { throw ControlExit.refused }
    }
}

/// A status report for people.
struct StatusText {
    let report: StatusReport
    private let style = TextStyle.standardOutput

    init(_ report: StatusReport) { self.report = report }

    var lines: [String] {
        [self.head] + self.report.reasons.map { "  " + self.style.styled(TerminalText.printable($0), .red) }
            + self.facts + [self.workers, self.quotas, self.rejections, self.tenants].flatMap { self.table($0) }
    }

    private var head: String {
        let report = self.report
        let health =
            report.ready ? self.style.styled("ready", .bold, .green) : self.style.styled("not ready", .bold, .red)
        let name = self.style.styled(TerminalText.printable(report.instance), .bold)
        return "\(name)  \(health)  up \(Self.span(report.uptimeSeconds))  svc-gateway \(report.version) "
            + "(\(report.commit))  pid \(report.pid)"
    }

    private var facts: [String] {
        let report = self.report
        let configuration = report.configuration
        var rows = [
            ("serves", "OAP/1 on \(report.oapAddr), metrics on \(report.metricsAddr)"),
            ("backend", "\(report.backend.io) (\(report.backend.reason))"),
            (
                "configuration",
                "\(configuration.file ?? "defaults"), epoch \(configuration.epoch), "
                    + "\(NumberText.counted(configuration.reloads, "reload"))"
                    + (configuration.reloadsRefused > 0 ? ", \(configuration.reloadsRefused) refused" : "")
            ),
            (
                "requests",
                Self.usage(report.requests, "open")
                    + (report.adaptiveLimit.map { ", adaptive limit \(NumberText.grouped($0))" } ?? "")
            ),
            ("connections", Self.usage(report.connections, "open")),
            ("pressure", report.pressure.rung + (report.pressure.reason.map { ", by \($0)" } ?? "")),
            (
                "buffers",
                "\(NumberText.bytes(report.bufferMemory.used)) of \(NumberText.bytes(report.bufferMemory.max)) used"
            ),
            (
                "index",
                "\(report.index.path), "
                    + (report.index.records.map { NumberText.counted($0, "record") }
                        ?? (report.index.isForwarded ? "forwarded" : "not open"))
            ),
        ]
        if !configuration.restartNeeded.isEmpty {
            rows.append(("restart needed", configuration.restartNeeded.joined(separator: ", ")))
        }
        return rows.map { name, value in
            "  " + self.style.styled(TerminalText.padded(name, 16), .bold) + TerminalText.printable(value)
        }
    }

    // MARK: Tables

    private func table(_ table: TextTable?) -> [String] {
        table.map { [""] + $0.lines(indent: 2, style: self.style) } ?? []
    }

    private var workers: TextTable? {
        var table = TextTable(["WORKER", "CONNECTIONS", "OPEN", "EPOCH"], right: [0, 1, 2, 3])
        for worker in self.report.workers {
            table.append([
                "\(worker.number)", NumberText.grouped(worker.connections), NumberText.grouped(worker.open),
                "\(worker.epoch)",
            ])
        }
        return table
    }

    /// Those that are on, and those that refused before they were switched off.
    private var quotas: TextTable? {
        let quotas = self.report.quotas.filter { $0.rate != nil || $0.refused > 0 }
        guard !quotas.isEmpty else { return nil }
        var table = TextTable(["QUOTA", "RATE", "REFUSED"], right: [2])
        for quota in quotas { table.append([quota.scope, quota.rate ?? "off", NumberText.grouped(quota.refused)]) }
        return table
    }

    private var rejections: TextTable? {
        guard !self.report.rejections.isEmpty else { return nil }
        var table = TextTable(["REFUSED WITH", "COUNT"], right: [1])
        for rejection in self.report.rejections {
            table.append([TerminalText.printable(rejection.reason), NumberText.grouped(rejection.count)])
        }
        return table
    }

    private var tenants: TextTable? {
        guard !self.report.tenants.isEmpty else { return nil }
        var table = TextTable(["TENANT", "ADMITTED", "OVER QUOTA", "OVERLOAD"], right: [1, 2, 3])
        for tenant in self.report.tenants {
            table.append(
                [TerminalText.printable(tenant.name)]
                    + [tenant.admitted, tenant.quota, tenant.overload].map { NumberText.grouped($0) })
        }
        return table
    }

    // MARK: Numbers

    private static func usage(_ usage: StatusReport.Usage, _ word: String) -> String {
        let share = usage.max > 0 ? Double(usage.used) / Double(usage.max) : 0
        return
            "\(NumberText.grouped(usage.used)) of \(NumberText.grouped(usage.max)) \(word) (\(NumberText.percent(share)))"
    }

    /// `42s`, `3m 12s`, `5h 3m`, `2d 4h`: the two largest units.
    static func span(_ seconds: Int) -> String {
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        return parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }
            .joined(separator: " ")
    }
}
