internal import Admission
internal import GatewayRuntime
internal import OAP
internal import Reactor

/// Whole turns of a real worker on epoll, its client in this process: what a burst costs from its receive to its send, in user
/// space, client included (a send and a receive).
let turns: [Microbenchmark] = [
    Microbenchmark("turn.ping-1", "a turn with one ping", iterationsCounted: 500) { iterations, measured in
        try turn(Frames.pings(1), answerBytes: 58, iterations, measured)
    },
    Microbenchmark("turn.ping-64", "a turn with 64 pings of one connection", iterationsCounted: 100) {
        iterations, measured in
        try turn(Frames.pings(64), answerBytes: 58 * 64, iterations, measured)
    },
    Microbenchmark("turn.resolve-64", "a turn with 64 hot resolves of one connection", iterationsCounted: 100) {
        iterations, measured in
        try turn(Frames.resolves(BenchmarkIndex.keys(0..<64)), answerBytes: nil, iterations, measured)
    },
]

/// Sends `requests` and waits for their answers, `iterations` times.
///
/// - Parameter answerBytes: of all answers to one burst; nil to learn it from the first one.
private func turn(
    _ requests: [UInt8], answerBytes: Int?, _ iterations: Int, _ measured: (() -> Void) -> Void
) throws {
    let rate = TokenRate(tokensPerSecond: 1e9, burst: 1_000_000_000)
    var configuration = RuntimeConfiguration(address: SocketAddress(host: "127.0.0.1", port: 0), workersCount: 1)
    configuration.live.policy.connection = rate
    configuration.live.policy.tenantDefault.requests = rate
    configuration.live.policy.global = rate
    let index = IndexSource(path: try BenchmarkIndex.path())
    if answerBytes == nil { _ = try index.open() }
    let server = try GatewayServer.startEmbedded(
        configuration, backend: try Backend.probe(.only(.epoll)), index: index, tell: { _ in })
    server.serve()
    let client = try BlockingSocket(connectingTo: server.address)
    let expected = try answerBytes ?? learn(client, requests)
    for _ in 0..<3 { try exchange(client, requests, expected) }
    var failure: SystemError?
    measured {
        for _ in 0..<iterations {
            do throws(SystemError) { try exchange(client, requests, expected) } catch { failure = error }
        }
    }
    server.stop()
    server.join()
    if let failure { throw failure }
}

private func exchange(_ client: borrowing BlockingSocket, _ requests: [UInt8], _ answerBytes: Int) throws(SystemError) {
    try client.sendAll(requests)
    var received = 0
    while received < answerBytes {
        let bytes = try client.receive()
        guard !bytes.isEmpty else { throw SystemError(call: "recv", code: 0, subject: "the gateway has closed") }
        received += bytes.count
    }
    precondition(received == answerBytes, "answers are not what they were")
}

/// Bytes of the answers to `requests`, once all of them are a 200: a worker that has just begun is not ready yet.
private func learn(_ client: borrowing BlockingSocket, _ requests: [UInt8]) throws -> Int {
    let decoder = FrameDecoder()
    var frames = 0
    var end = 0
    while case .frame(let header) = decoder.step(requests.span.extracting(end...)) {
        frames += 1
        end += Int(header.frameBytes)
    }
    while true {
        try client.sendAll(requests)
        var bytes: [UInt8] = []
        var (offset, answers, good) = (0, 0, 0)
        while answers < frames {
            bytes += try client.receive()
            while case .frame(let header) = decoder.step(bytes.span.extracting(offset...)) {
                offset += Int(header.frameBytes)
                answers += 1
                if header.code == 200 { good += 1 }
            }
        }
        if good == frames { return bytes.count }
    }
}
