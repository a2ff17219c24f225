import ArgumentParser

/// The flags of a load, by group. Values are text on purpose: `LoadReader` reads them with those of a scenario file, so
/// that whatever is wrong is reported together and in the same words.
struct LoadFlags: ParsableArguments {
    @OptionGroup(title: "The gateway")
    var server: ServerFlags
    @OptionGroup(title: "The load")
    var load: ScheduleFlags
    @OptionGroup(title: "The requests")
    var requests: RequestFlags
    @OptionGroup(title: "The verdict")
    var verdict: VerdictFlags

    /// What was given, by `LoadKey.flag`, in the order of `LoadKey.all`; a list has a text for each of its elements.
    var given: [(key: LoadKey, texts: [String])] {
        let texts = self.server.given.merging(self.load.given) { $1 }
            .merging(self.requests.given) { $1 }.merging(self.verdict.given) { $1 }
        return LoadKey.all.compactMap { key in texts[key.flag].map { (key, $0) } }
    }
}

struct ServerFlags: ParsableArguments {
    @Option(help: LoadKey.of("server").argumentHelp)
    var server: String?
    @Option(help: LoadKey.of("connections").argumentHelp)
    var connections: String?
    @Option(help: LoadKey.of("depth").argumentHelp)
    var depth: String?
    @Option(help: LoadKey.of("threads").argumentHelp)
    var threads: String?
    @Option(help: LoadKey.of("io").argumentHelp)
    var io: String?
    @Option(help: LoadKey.of("timeout").argumentHelp)
    var timeout: String?
    @Option(help: LoadKey.of("idle-connections").argumentHelp)
    var idleConnections: String?
    @Option(help: LoadKey.of("churn").argumentHelp)
    var churn: String?

    fileprivate var given: [String: [String]] {
        let texts: [String: String?] = [
            "server": self.server,
            "connections": self.connections,
            "depth": self.depth,
            "threads": self.threads,
            "io": self.io,
            "timeout": self.timeout,
            "idle-connections": self.idleConnections,
            "churn": self.churn,
        ]
        return texts.compactMapValues { $0.map { [$0] } }
    }
}

struct ScheduleFlags: ParsableArguments {
    @Option(help: LoadKey.of("rate").argumentHelp)
    var rate: String?
    @Option(help: LoadKey.of("arrival").argumentHelp)
    var arrival: String?
    @Option(help: LoadKey.of("burst").argumentHelp)
    var burst: String?
    @Option(help: LoadKey.of("ramp-from").argumentHelp)
    var rampFrom: String?
    @Option(help: LoadKey.of("ramp").argumentHelp)
    var ramp: String?
    @Flag(help: LoadKey.of("closed").argumentHelp)
    var closed = false
    @Option(help: LoadKey.of("duration").argumentHelp)
    var duration: String?
    @Option(help: LoadKey.of("warmup").argumentHelp)
    var warmup: String?
    @Option(help: LoadKey.of("seed").argumentHelp)
    var seed: String?

    fileprivate var given: [String: [String]] {
        let texts: [String: String?] = [
            "rate": self.rate,
            "arrival": self.arrival,
            "burst": self.burst,
            "ramp-from": self.rampFrom,
            "ramp": self.ramp,
            "duration": self.duration,
            "warmup": self.warmup,
            "seed": self.seed,
        ]
        var given = texts.compactMapValues { $0.map { [$0] } }
        if self.closed { given["closed"] = ["true"] }
        return given
    }
}

struct RequestFlags: ParsableArguments {
    @Option(help: LoadKey.of("workload").argumentHelp)
    var workload: String?
    @Option(help: LoadKey.of("keys").argumentHelp)
    var keys: String?
    @Option(help: LoadKey.of("key-count").argumentHelp)
    var keyCount: String?
    @Option(help: LoadKey.of("key-format").argumentHelp)
    var keyFormat: String?
    @Option(help: LoadKey.of("key-choice").argumentHelp)
    var keyChoice: String?
    @Option(help: LoadKey.of("zipf-exponent").argumentHelp)
    var zipfExponent: String?
    @Option(help: LoadKey.of("hit-ratio").argumentHelp)
    var hitRatio: String?
    @Option(help: LoadKey.of("keys-per-request").argumentHelp)
    var keysPerRequest: String?
    @Option(help: LoadKey.of("payload-bytes").argumentHelp)
    var payloadBytes: String?
    @Option(help: LoadKey.of("tenants").argumentHelp)
    var tenants: String?
    @Option(help: LoadKey.of("expect").argumentHelp)
    var expect: String?

    fileprivate var given: [String: [String]] {
        let texts: [String: String?] = [
            "workload": self.workload,
            "keys": self.keys,
            "key-count": self.keyCount,
            "key-format": self.keyFormat,
            "key-choice": self.keyChoice,
            "zipf-exponent": self.zipfExponent,
            "hit-ratio": self.hitRatio,
            "keys-per-request": self.keysPerRequest,
            "payload-bytes": self.payloadBytes,
            "tenants": self.tenants,
            "expect": self.expect,
        ]
        return texts.compactMapValues { $0.map { [$0] } }
    }
}

struct VerdictFlags: ParsableArguments {
    @Option(help: LoadKey.of("threshold").argumentHelp)
    var threshold: [String] = []
    @Flag(help: LoadKey.of("abort-on-fail").argumentHelp)
    var abortOnFail = false
    @Option(help: LoadKey.of("schedule-lag-max").argumentHelp)
    var scheduleLagMax: String?
    @Option(help: LoadKey.of("find-max").argumentHelp)
    var findMax: [String] = []

    fileprivate var given: [String: [String]] {
        var given: [String: [String]] = [:]
        if !self.threshold.isEmpty { given["threshold"] = self.threshold }
        if self.abortOnFail { given["abort-on-fail"] = ["true"] }
        if let limit = self.scheduleLagMax { given["schedule-lag-max"] = [limit] }
        if !self.findMax.isEmpty { given["find-max"] = self.findMax }
        return given
    }
}
