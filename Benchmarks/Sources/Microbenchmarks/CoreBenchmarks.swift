internal import Admission
internal import Gateway
internal import OAP
internal import Telemetry

/// A worker's core with one session in slot 0, taking requests.
private func makeCore(sessions: Int = 1) -> WorkerCore {
    let rate = TokenRate(tokensPerSecond: 1e9, burst: 1_000_000_000)
    let admission = IngressAdmission(
        openMax: 1024, inflightPerConnectionMax: 64, connectionRate: rate, tenantRate: rate, globalRate: rate)
    let metrics = GatewayMetrics()
    var core = WorkerCore(
        limits: GatewayLimits(), admission: admission, metrics: metrics,
        telemetry: TelemetryBank(schema: metrics.schema))
    core.serve()
    for slot in 0..<sessions {
        core.connected(SessionKey(slot: UInt32(slot), generation: 0), nowNanoseconds: start)
    }
    return core
}

private let start: UInt64 = 1_000_000_000
/// Beyond every deadline of a session that has been idle since `start`.
private let muchLater: UInt64 = start + 3_600_000_000_000

/// The wheel is the core's own; a session's life is what schedules and cancels on it.
let timers: [Microbenchmark] = [
    Microbenchmark("timers.schedule-cancel", "a session begins and ends: its timer is scheduled and cancelled") {
        iterations, measured in
        var core = makeCore()
        core.disconnected(0, reason: .peer, nowNanoseconds: start)
        measured {
            for iteration in 0..<iterations {
                core.connected(
                    SessionKey(slot: 0, generation: UInt32(iteration) & 0xFF_FFFF), nowNanoseconds: start)
                core.disconnected(0, reason: .peer, nowNanoseconds: start)
            }
        }
        precondition(core.nextDeadlineNanoseconds() == nil)
    },
    Microbenchmark("timers.expire-1000", "1,000 idle sessions expire, end and begin again", iterationsCounted: 20) {
        iterations, measured in
        var core = makeCore(sessions: 1000)
        var now = start
        var expired = 0
        measured {
            for _ in 0..<iterations {
                now += muchLater
                while let (slot, _) = core.popExpired(nowNanoseconds: now) {
                    core.disconnected(slot, reason: .idle, nowNanoseconds: start)
                    expired &+= 1
                }
                for slot in 0..<1000 {
                    core.connected(SessionKey(slot: UInt32(slot), generation: 0), nowNanoseconds: now)
                }
            }
        }
        precondition(expired == iterations * 1000)
    },
    Microbenchmark("timers.next-deadline", "when the earliest of 1,000 timers fires") { iterations, measured in
        let core = makeCore(sessions: 1000)
        var sum: UInt64 = 0
        measured {
            for _ in 0..<iterations { sum &+= core.nextDeadlineNanoseconds() ?? 0 }
        }
        precondition(sum > 0)
    },
]

let core: [Microbenchmark] = [
    Microbenchmark("core.ping", "the decision on a ping") { iterations, measured in
        var core = makeCore()
        let header = FrameHeader(
            flags: .request, code: Method.ping.code, application: Application.control, tenant: Frames.tenant,
            correlation: 1, payloadBytes: 20)
        let payload = [UInt8](repeating: 0x70, count: 20)
        var answers = 0
        measured {
            for iteration in 0..<iterations {
                let order = core.frame(0, header, payload: payload.span, nowNanoseconds: start + UInt64(iteration))
                if case .answer(.echo) = order { answers &+= 1 }
            }
        }
        precondition(answers == iterations)
    },
    Microbenchmark("core.resolve", "a resolve from its frame to its answer, without the lookup") {
        iterations, measured in
        var core = makeCore()
        let key = Array("name:000000000042".utf8)
        var header = FrameHeader(
            flags: .request, code: Method.resolve.code, application: Application.index, tenant: Frames.tenant,
            correlation: 0, payloadBytes: key.count)
        var finished = 0
        measured {
            for iteration in 0..<iterations {
                let now = start + UInt64(iteration)
                header.correlation = UInt64(iteration)
                if case .resolve(let ticket) = core.frame(0, header, payload: key.span, nowNanoseconds: now) {
                    core.finish(ticket, status: 200, nowNanoseconds: now)
                    finished &+= 1
                }
            }
        }
        precondition(finished == iterations && core.openCount == 0)
    },
]
