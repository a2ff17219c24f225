import ArgumentParser
import OAP
import Reactor
import Terminal

/// `ronctl ping`
struct ClientPingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Send PINGs to a gateway and print how long each answer took.",
        discussion: """
            All PINGs use one connection. Ctrl-C ends early and prints the summary. As json each answer is a line \
            {"seq","bytes","time_ms"}, or {"seq","status","code",…} when it was refused, and the summary is the last \
            line.

            \(ClientExit.help)
            """)

    static let countMax = 1_000_000_000

    @Option(name: [.short, .long], help: "PINGs to send; 0: until Ctrl-C.")
    var count = 5

    @Option(name: [.short, .long], help: "Time from one PING to the next: 10ms, 1s.")
    var interval = TimeSpan(milliseconds: 1000)

    @Option(name: [.short, .long], help: "Bytes of each PING, 0 to 64.")
    var size = 56

    @OptionGroup var client: ClientOptions

    @Option(name: [.short, .customLong("output")], help: "table or json.")
    var output = ClientFormat.table

    func validate() throws {
        guard (0...PayloadLimits.pingBytesMax).contains(self.size) else {
            throw ValidationError("--size is \(self.size); it is 0 to \(PayloadLimits.pingBytesMax).")
        }
        guard (0...Self.countMax).contains(self.count) else {
            throw ValidationError("--count is \(self.count); it is 0 to \(Self.countMax).")
        }
    }

    func run() throws {
        var summary = ClientPingSummary()
        try ClientExit.run { () throws(ClientFailure) in
            let interruption = try ClientInterruption()
            var connection = try self.client.connect()
            let server = connection.address.description
            if self.output == .table { try ClientText.printLine("PING \(server), \(self.size) bytes") }
            var failure: ClientFailure? = nil
            do throws(ClientFailure) {
                try self.pingAll(&connection, server, &summary, interruption)
            } catch {
                // Without a message it was the output that failed, which takes no summary either.
                guard error.message != nil else { throw error }
                failure = error
            }
            try ClientText.printLine(
                self.output == .table ? summary.text(server: server) : summary.json(server: server))
            if let failure { throw failure }
        }
        guard summary.refused == 0 else { throw ClientExit.refused }
    }

    private func pingAll(
        _ connection: inout ClientConnection, _ server: String, _ summary: inout ClientPingSummary,
        _ interruption: ClientInterruption
    ) throws(ClientFailure) {
        var due = ContinuousClock.now
        while (self.count == 0 || summary.sent < self.count) && !interruption.isRequested {
            if summary.sent > 0 {
                due += .milliseconds(self.interval.milliseconds)
                guard !interruption.sleep(until: due) else { return }
            }
            // Each PING differs, so that a stale echo does not pass for a new one.
            let payload = (0..<self.size).map { UInt8(truncatingIfNeeded: summary.sent &+ $0) }
            summary.sent += 1
            let answer = try connection.request(Application.control, .ping, payload)
            if let refusal = answer.refusal {
                summary.refused += 1
                try ClientText.printLine(self.line(refusal, summary.sent))
                continue
            }
            guard answer.status == 200, answer.payload == payload else {
                throw connection.malformed(answer, "other bytes than it was sent")
            }
            summary.add(answer.elapsed)
            try ClientText.printLine(self.line(answer, summary.sent, server))
        }
    }

    private func line(_ answer: ClientAnswer, _ number: Int, _ server: String) -> String {
        let time = ClientText.milliseconds(answer.elapsed)
        switch self.output {
        case .table: return "\(answer.payload.count) bytes from \(server): seq=\(number) time=\(time) ms"
        case .json: return "{\"seq\":\(number),\"bytes\":\(answer.payload.count),\"time_ms\":\(time)}"
        }
    }

    private func line(_ refusal: ClientRefusal, _ number: Int) -> String {
        switch self.output {
        case .table: return "seq=\(number) " + TextStyle.standardOutput.styled(refusal.sentence, .red)
        case .json:
            var writer = JSONWriter()
            writer.raw("{\"seq\":\(number),")
            refusal.write(to: &writer)
            writer.raw("}")
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }
}

/// What all PINGs of a command came to.
struct ClientPingSummary {
    var sent = 0
    var refused = 0
    private var answered = 0
    private var shortest = Duration.zero
    private var longest = Duration.zero
    private var sum = Duration.zero

    mutating func add(_ time: Duration) {
        self.shortest = self.answered == 0 ? time : min(self.shortest, time)
        self.longest = max(self.longest, time)
        self.sum += time
        self.answered += 1
    }

    private var times: [(name: String, text: String)] {
        [
            ("min", ClientText.milliseconds(self.shortest)),
            ("avg", ClientText.milliseconds(self.sum / self.answered)),
            ("max", ClientText.milliseconds(self.longest)),
        ]
    }

    func text(server: String) -> String {
        var text = "--- \(server): \(self.sent) sent, \(self.answered) answered"
        if self.refused > 0 { text += ", \(self.refused) refused" }
        guard self.answered > 0 else { return text }
        return text + "\nmin/avg/max " + self.times.map(\.text).joined(separator: "/") + " ms"
    }

    func json(server: String) -> String {
        var writer = JSONWriter()
        writer.raw("{\"server\":")
        writer.string(server)
        writer.raw(",\"sent\":\(self.sent),\"answered\":\(self.answered),\"refused\":\(self.refused)")
        if self.answered > 0 {
            for (name, text) in self.times { writer.raw(",\"\(name)_ms\":\(text)") }
        }
        writer.raw("}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
