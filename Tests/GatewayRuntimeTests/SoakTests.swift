// Invariant: whatever clients do in whatever order, every request that was sent on a connection that stays is
// answered exactly once with its own record or a listed refusal, and afterwards everything is home.
import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

@Suite struct SoakTests {
    static let backends = TestEnvironment.backends

    /// A client and what it still waits for.
    private struct Expectation {
        /// By corr_id.
        var open: [UInt64: Kind] = [:]
        /// Bytes of a frame whose beginning was sent.
        var unsent: [UInt8] = []

        enum Kind {
            case found([UInt8])
            case absent
            case pong([UInt8])
            case badRequest
            case maybeLate([UInt8])
        }
    }

    private static func request(
        _ random: inout SeededGenerator, correlation: UInt64
    ) -> (WireFrame, Expectation.Kind) {
        switch random.next() % 10 {
        case 0...3:
            let key = ScriptedIndex.keys[Int(random.next() % 4)]
            return (.resolve(key, correlation: correlation), .found(ScriptedRecords.record(forKey: key)))
        case 4: return (.resolve("name:nobody-\(correlation)", correlation: correlation), .absent)
        case 5:
            let payload = random.bytes(Int(random.next() % 65))
            return (.request(application: 0, code: 1, payload, correlation: correlation), .pong(payload))
        case 6: return (.resolve("no key", correlation: correlation), .badRequest)
        case 7, 8:
            let key = "name:late-\(random.next() % 20)-\(correlation)"
            return (.resolve(key, correlation: correlation), .maybeLate(ScriptedRecords.record(forKey: key)))
        default:
            let site = ScriptedRecords.record(forKey: "name:site")
            let answer = Array("[".utf8) + site + Array(",null]".utf8)
            return (.resolveMany(json: "[\"name:site\",\"name:x\"]", correlation: correlation), .found(answer))
        }
    }

    private static func isRight(_ answer: WireFrame, _ kind: Expectation.Kind) -> Bool {
        switch kind {
        case .found(let record):
            answer.code == 200 && answer.payload == record || answer.code == 503 || answer.code == 429
        case .absent: answer.code == 404 || answer.code == 503 || answer.code == 429
        case .pong(let payload): answer.code == 200 && answer.payload == payload
        case .badRequest: answer.code == 400 || answer.code == 503 || answer.code == 429
        case .maybeLate(let record):
            answer.code == 200 && answer.payload == record || answer.code == 503 || answer.code == 429
        }
    }

    @Test(arguments: backends) func randomInterleavings(_ kind: Backend.Kind) throws {
        var random = SeededGenerator.fromEnvironment()
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.openMax = 40
                $0.live.policy.inflightPerConnectionMax = 8
                $0.kernelLimits.bufferBytes = 256
                $0.kernelLimits.buffersCount = 16
            }
        ) { gateway in
            var clients = ClientList()
            var expectations: [Expectation] = []
            var answered = 0
            var correlation: UInt64 = 0

            func receive(_ index: Int) throws -> Bool {
                let answer = try clients.with(index) { try $0.frame() }
                guard let kind = expectations[index].open.removeValue(forKey: answer.correlation),
                    Self.isRight(answer, kind)
                else {
                    Issue.record("\(answer.correlation) got \(answer.code) \(answer.text); \(random.replay)")
                    return false
                }
                answered += 1
                return true
            }

            for _ in 0..<6000 {
                let action = random.next() % 100
                if clients.count == 0 || (action < 3 && clients.count < 24) {
                    clients.add(try gateway.connect())
                    expectations.append(Expectation())
                    continue
                }
                let index = Int(random.next() % UInt64(clients.count))
                switch action {
                case 0..<5:
                    // Gone, with whatever is open and half sent.
                    clients.close(at: index)
                    expectations.remove(at: index)
                case 5..<55:
                    guard expectations[index].open.count < 30 else { continue }
                    correlation += 1
                    let (frame, kind) = Self.request(&random, correlation: correlation)
                    let bytes = expectations[index].unsent + frame.bytes
                    expectations[index].open[correlation] = kind
                    let cut = random.oneIn(3) ? Int(random.next() % UInt64(bytes.count)) : bytes.count
                    try clients.with(index) { try $0.send(Array(bytes[..<cut])) }
                    expectations[index].unsent = Array(bytes[cut...])
                default:
                    guard !expectations[index].open.isEmpty else { continue }
                    // What is half sent has to be sent before its answer can be waited for.
                    let rest = expectations[index].unsent
                    try clients.with(index) { try $0.send(rest) }
                    expectations[index].unsent = []
                    guard try receive(index) else { return }
                }
            }
            for index in 0..<clients.count {
                let rest = expectations[index].unsent
                try clients.with(index) { try $0.send(rest) }
                while !expectations[index].open.isEmpty { guard try receive(index) else { return } }
                try clients.with(index) { try $0.expectAlive(random.replay) }
            }
            #expect(answered > 500, "\(random.replay)")
            try gateway.waitUntilQuiet(connections: clients.count)
        }
    }
}
