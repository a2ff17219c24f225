import Terminal

/// A line of a list of facts.
struct Fact: Equatable {
    /// The value of what a run does not have.
    static let absent = "none"

    let name: String
    let value: String

    /// - Parameter value: nil when the run has no such thing.
    init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value ?? Self.absent
    }
}

/// What the run was, as lists: both runs of a comparison have the same names in the same order.
extension LoadReport {
    var planFacts: [Fact] {
        let plan = self.plan
        let statuses = plan.expectedStatuses.map { "\($0)" }.joined(separator: ", ")
        return [
            Fact("server", plan.server),
            Fact("scenario", plan.scenario),
            Fact("workload", plan.workload),
            Fact("loop", plan.mode.rawValue),
            Fact("rate", plan.rate.map { NumberText.rate($0) + " a second" } ?? "as fast as answered"),
            Fact("arrival", plan.arrival ?? "when an answer has come"),
            Fact("burst", plan.burst.map { "\(NumberText.grouped($0)) at once" }),
            Fact("ramp", self.rampText),
            Fact("connections", NumberText.grouped(plan.connections)),
            Fact("depth", NumberText.grouped(plan.depth)),
            Fact(
                "replaced after", plan.requestsPerConnection.map { NumberText.counted($0, "request") + " a connection" }
            ),
            Fact("idle connections", plan.idleConnections > 0 ? NumberText.grouped(plan.idleConnections) : nil),
            Fact("threads", NumberText.grouped(plan.threads)),
            Fact("tenants", NumberText.grouped(plan.tenants)),
            Fact("choice of tenants", plan.tenantChoice),
            Fact("keys", NumberText.grouped(plan.keys)),
            Fact("choice of keys", plan.keyChoice),
            Fact("keys that are there", plan.hitRatio.map(NumberText.percent)),
            Fact("keys a request", plan.keysPerRequest.map { NumberText.grouped($0) }),
            Fact("payload", plan.payloadBytes.map { NumberText.bytes($0) }),
            Fact("seed", "\(plan.seed)"),
            Fact("warm-up", Self.secondsText(plan.warmupSeconds)),
            Fact("duration", Self.secondsText(plan.durationSeconds)),
            Fact("expected statuses", statuses),
            Fact("lag allowed", plan.scheduleLagMaxSeconds.map(Self.secondsText)),
        ]
    }

    private var rampText: String? {
        guard let from = self.plan.rampFromRate, let seconds = self.plan.rampSeconds else { return nil }
        return "from \(NumberText.rate(from)) a second in \(Self.secondsText(seconds))"
    }

    var environmentFacts: [Fact] {
        let environment = self.environment
        return [
            Fact("started", self.startedAt),
            Fact("tool", "\(self.tool.name) \(self.tool.version)"),
            Fact("generator's loop", environment.loop),
            Fact("processor", environment.processor.isEmpty ? environment.architecture : environment.processor),
            Fact("processors", NumberText.grouped(environment.processorsCount)),
            Fact("architecture", environment.architecture),
            Fact("memory", NumberText.bytes(environment.memoryBytes)),
            Fact("kernel", environment.kernel),
        ]
    }
}
