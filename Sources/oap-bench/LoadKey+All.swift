import LoadGeneration
import LoadReport
import OAP
import Settings

extension LoadKey {
    static let server: [LoadKey] = [
        .text(
            "server", \.server, valueName: "host:port", expected: "HOST:PORT, [IPV6]:PORT, or PORT on loopback",
            default: "$\(LoadDefaults.serverVariable), else \(LoadDefaults.server)",
            "The gateway: HOST:PORT, or PORT on loopback."),
        .integer(
            "connections", \.connections, 1...LoadPlan.connectionsMax, default: "\(LoadDefaults.connections)",
            "Connections that carry requests, of all threads together."),
        .integer(
            "depth", \.depth, 1...LoadPlan.depthMax,
            default: "\(LoadDefaults.depthOpen), in a closed loop \(LoadDefaults.depthClosed)",
            "Most requests in flight on each connection. In an open loop a request that is due waits when all "
                + "connections have so many, and its latency counts the wait."),
        .integer(
            "threads", \.threads, 1...LoadPlan.threadsMax, default: "1", "Threads; each has its own connections."),
        .choice("io", \.io, LoopBackend.Wish.allCases.map(\.rawValue), default: "auto", "Kernel interface."),
        .duration(
            "timeout", \.timeoutMilliseconds, 1...600_000,
            default: DurationText.render(LoadDefaults.timeoutMilliseconds),
            "How long a connect may take, and how long the last answers are waited for."),
        .integer(
            "idle-connections", \.idleConnections, 0...LoadPlan.connectionsMax, default: "0",
            "Connections held open beside those, which carry nothing."),
        .integer(
            "churn", \.churn, 1...1_000_000_000, default: "connections are kept",
            "After so many requests a connection is closed and a new one opened."),
    ]

    static let load: [LoadKey] = [
        .number(
            "rate", \.rate, 0.1...ArrivalPlan.rateMax, default: "\(Int(LoadDefaults.rate))",
            "Open loop: requests a second, sent when they are due, whatever the gateway does.", valueName: "r"),
        .choice(
            "arrival", \.arrival, ["constant", "poisson", "burst"], default: "constant",
            "How requests lie in time: at equal distances, independent of each other as those of many people are, or "
                + "--burst at once."),
        .integer(
            "burst", \.burst, 1...ArrivalPlan.burstMax, default: "\(LoadDefaults.burst)",
            "Requests that come at once; the time between bursts keeps --rate."),
        .number(
            "ramp-from", \.rampFrom, 0...ArrivalPlan.rateMax, default: "0", "Requests a second at the start of --ramp.",
            valueName: "r"),
        .duration(
            "ramp", \.rampMilliseconds, 0...86_400_000, default: "0s",
            "How long the rate takes to grow evenly to --rate; begins with the warm-up."),
        .toggle(
            "closed", \.isClosed,
            "Closed loop instead: each connection keeps --depth requests in flight, and a new one leaves when an answer "
                + "has arrived. The load never exceeds what the gateway answers, so its latencies are no user's."),
        .duration(
            "duration", \.durationMilliseconds, 1...86_400_000,
            default: DurationText.render(LoadDefaults.durationMilliseconds),
            "How long is measured: 500ms, 10s, 2m; after --warmup."),
        .duration(
            "warmup", \.warmupMilliseconds, 0...3_600_000,
            default: DurationText.render(LoadDefaults.warmupOpenMilliseconds) + ", in a closed loop 0s",
            "Load before that, which is not reported."),
        .integer(
            "seed", \.seed, 0...Int.max, default: "1", "The same seed asks for the same things in the same order."),
    ]

    static let requests: [LoadKey] = [
        .choice(
            "workload", \.workload, Workload.allCases.map(\.rawValue), default: LoadDefaults.workload.rawValue,
            "What to ask for."),
        .text(
            "keys", \.keys, valueName: "file", expected: "the path of a file",
            default: "\(SampleNames.all.count) names of the sample index",
            "Keys to draw from: one a line, or JSON records with a member \"key\". In a scenario file the path starts "
                + "at that file."),
        .integer(
            "key-count", \.keyCount, 1...100_000_000, "Draw from so many numbered keys instead; needs --key-format."),
        LoadKey(
            flag: "key-format", valueName: "format",
            summary: "Form of numbered keys, as name:key%06d: %d, or %0Nd for N digits, stands for the number, from 0.",
            defaultText: nil, expected: "a text with one %d, or %0Nd with N from 1 to 18, as name:key%06d",
            read: { input, draft in
                guard let text = input.words, KeyPattern(parsing: text) != nil else { return false }
                draft.keyFormat = text
                return true
            }, forget: { $0.keyFormat = nil }),
        .choice(
            "key-choice", \.keyChoice, ["uniform", "zipf"], default: "uniform",
            "Which keys are drawn: each as often as any other, or some much more often."),
        .number(
            "zipf-exponent", \.zipfExponent, 0.01...NumberChoice.exponentMax, default: "\(LoadDefaults.zipfExponent)",
            "The k-th most popular key is drawn in proportion to 1 / k^exponent."),
        .number(
            "hit-ratio", \.hitRatio, 0...1, default: "1",
            "Share of the keys that are in the index; the others are made up, and not found is what they expect."),
        .integer(
            "keys-per-request", \.keysPerRequest, Workload.keysPerRequestRange,
            default: "\(LoadDefaults.keysPerRequest)", "Keys of one resolve-many."),
        .integer(
            "payload-bytes", \.payloadBytes, LoadPlan.payloadBytesRange, default: "8", "Bytes of one ping."),
        .integer(
            "tenants", \.tenants, 0...LoadPlan.tenantsMax, default: "0, which is anonymous",
            "Tenants that the requests are drawn from."),
        LoadKey(
            flag: "expect", valueName: "statuses", summary: "Statuses that count as success, such as 200,404.",
            defaultText: "200", expected: "statuses from 100 to 599, as \"200,404\" or [200, 404]",
            read: { input, draft in
                guard let statuses = Self.statuses(input) else { return false }
                draft.expect = (draft.expect ?? []) + statuses.map(Int.init)
                return true
            }, forget: { $0.expect = nil }, isList: true),
    ]

    static let verdict: [LoadKey] = [
        .thresholds(
            "threshold", \.thresholds,
            "What the run has to hold, as 'p99<2ms', 'p99.9<=10ms', 'errors<0.1%' or 'rate>=500'; may be given more than "
                + "once. The exit status is 99 when one is missed."),
        .toggle(
            "abort-on-fail", \.isAbortedOnFail,
            "End the run early once a threshold is missed so far that it stays missed."),
        .duration(
            "schedule-lag-max", \.scheduleLagMaxMilliseconds, 1...600_000,
            default: "1ms, or a tenth of the latency's 99th percentile where that is more",
            "How late 99 % of the requests may leave although a connection is free; beyond it there is no verdict."),
        .thresholds(
            "find-max", \.objectives,
            "Search for the highest rate that holds these, as 'p99<40ms', in less than a minute; may be given more "
                + "than once, and holds errors<0.1% too unless it says something else about errors."),
    ]

    private static func thresholds(_ flag: String, _ path: Path<[Threshold]>, _ summary: String) -> LoadKey {
        LoadKey(
            flag: flag, valueName: "expression", summary: summary, defaultText: nil,
            expected: "an expression like \"p99<2ms\"",
            read: { input, draft in
                guard let text = input.words, let threshold = try? Threshold(parsing: text) else { return false }
                draft[keyPath: path] = (draft[keyPath: path] ?? []) + [threshold]
                return true
            }, forget: { $0[keyPath: path] = nil }, isList: true,
            reason: { text in
                do throws(ThresholdFault) {
                    _ = try Threshold(parsing: text)
                    return nil
                } catch { return error.description }
            })
    }

    private static func statuses(_ input: SettingInput) -> [UInt16]? {
        if let words = input.words { return ExpectedStatuses(parsing: words)?.statuses }
        return input.integer.flatMap { ExpectedStatuses([$0]) }?.statuses
    }
}
