import Admission
import Foundation
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// What goes right: HELLO, PING, resolve, resolve many, and any number of them at once.
@Suite struct ConversationTests {
    static let backends = TestEnvironment.backends

    @Test(arguments: backends) func helloHasExactlyThePagesKeys(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            for payload in ["", "{}", "{\"ua\":\"sdk/0.1\"}", "{\"ua\":null}", "{\"later\":[1,{}],\"ua\":\"x\"}"] {
                var client = try gateway.connect()
                let request = WireFrame.request(application: 0, payload.utf8, correlation: 42, tenant: 170)
                let answer = try client.ask(request)
                #expect(answer.flags == WireFrame.Flag.response, "bare RESP, as the published peer has it")
                #expect(answer.code == 200 && answer.correlation == 42 && answer.tenant == 170)
                #expect(answer.application == 0 && answer.version == 1)
                let parsed = try JSONSerialization.jsonObject(with: Data(answer.payload))
                let body = try #require(parsed as? NSDictionary)
                let expected: NSDictionary = [
                    "max_frame": 1_048_576, "max_inflight": 64, "flags_supported": 191, "versions": [1],
                    "transports": ["tcp"],
                ]
                #expect(body == expected)
                try client.expectAlive("after HELLO")
            }
        }
    }

    @Test(arguments: backends) func helloTellsTheConfiguration(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.live.limits.frameBytesMax = 4096
                $0.live.policy.inflightPerConnectionMax = 7
            }
        ) { gateway in
            var client = try gateway.connect()
            let text = try client.ask(.hello()).text
            #expect(text.contains("\"max_frame\":4096,\"max_inflight\":7,"))
            var large = WireFrame.resolve("name:site", correlation: 9)
            large.announcedLength = 4097
            try ExpectedError(413, "frame_too_large").check(try client.ask(large), to: large.bytes, "4097 of 4096")
            try client.expectEnd()
        }
    }

    @Test(arguments: backends) func pingReturnsTheSameBytes(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            for count in [0, 1, 38, 64] {
                let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
                let ping = WireFrame.request(application: 0, code: 1, payload, correlation: UInt64(count), tenant: .max)
                let answer = try client.ask(ping)
                var expected = ping
                expected.flags = WireFrame.Flag.response | WireFrame.Flag.end
                expected.code = 200
                #expect(answer == expected)
            }
        }
    }

    @Test(arguments: backends) func resolveAnswersWithTheRecord(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            for (number, key) in ScriptedIndex.keys.enumerated() {
                var request = WireFrame.resolve(key, correlation: UInt64(number), tenant: UInt128(number) << 90)
                for flags in [0x01, 0x11, 0x19, 0x39, 0x81] as [UInt16] {
                    request.flags = flags
                    request.capability = flags & WireFrame.Flag.start != 0 ? Array("token".utf8) : []
                    let answer = try client.ask(request)
                    #expect(answer.flags == WireFrame.Flag.response | WireFrame.Flag.end && answer.code == 200)
                    #expect(answer.tenant == request.tenant && answer.correlation == request.correlation)
                    #expect(answer.application == 0x0101 && answer.capability.isEmpty)
                    #expect(answer.payload == ScriptedRecords.record(forKey: key))
                }
            }
            #expect(try client.ask(.resolve("name:large")).payload == ScriptedIndex.largeRecord)
        }
    }

    /// The elements of an answer to resolve many, as JSON text.
    private static func elements(_ frame: WireFrame) throws -> [String?] {
        let parsed = try #require(try JSONSerialization.jsonObject(with: Data(frame.payload)) as? [Any])
        return parsed.map { ($0 as? [String: Any])?["key"] as? String }
    }

    @Test(arguments: backends) func resolveManyKeepsTheOrder(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            let json =
                " [ \"name:site\" ,\"name:nobody\",\"name:\\u043a\\u043b\\u044e\\u0447\",\n"
                + "\"name:site\",\"name:si\\/te\" ] "
            let answer = try client.ask(.resolveMany(json: json, correlation: 5))
            #expect(answer.code == 200 && answer.correlation == 5)
            #expect(try Self.elements(answer) == ["name:site", nil, "name:ключ", "name:site", nil])
            let site = String(decoding: ScriptedRecords.record(forKey: "name:site"), as: UTF8.self)
            #expect(answer.text.hasPrefix("[\(site),null,{"))
            #expect(try client.ask(.resolveMany(json: "[\"name:nobody\"]")).text == "[null]")
        }
    }

    /// 256 of the largest records fit one frame; 257 keys are refused.
    @Test(arguments: backends) func resolveManyTakes256(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            func keys(_ key: String, _ count: Int) -> String {
                "[" + Array(repeating: "\"\(key)\"", count: count).joined(separator: ",") + "]"
            }
            let answer = try client.ask(.resolveMany(json: keys("name:large", 256), correlation: 1))
            #expect(answer.code == 200)
            #expect(answer.payload.count == 256 * 4001 + 1)
            #expect(answer.byteCount <= FrameHeader.frameBytesMax)
            #expect(try Self.elements(answer) == Array(repeating: "name:large", count: 256))
            #expect(try client.ask(.resolveMany(json: keys("name:nobody", 256))).payload.count == 256 * 5 + 1)
            try client.expectRefusal(
                .resolveMany(json: keys("name:site", 257)), ExpectedError(400, "bad_request"), "257 keys")
            let longest = ScriptedIndex.keys[2]
            #expect(try Self.elements(client.ask(.resolveMany(json: keys(longest, 256)))).allSatisfy { $0 == longest })
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    @Test(arguments: backends) func sixtyFourInOneWrite(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            for round in 0..<20 as Range<UInt64> {
                var bytes: [UInt8] = []
                for number in 0..<64 as Range<UInt64> {
                    let key = number % 3 == 0 ? "name:nobody" : number % 3 == 1 ? "name:late-1-\(number)" : "name:site"
                    bytes += WireFrame.resolve(key, correlation: round << 32 | number, tenant: UInt128(number)).bytes
                }
                try client.send(bytes)
                var seen: Set<UInt64> = []
                for _ in 0..<64 {
                    let answer = try client.frame()
                    let number = answer.correlation & 0xFFFF_FFFF
                    #expect(answer.correlation >> 32 == round && answer.tenant == UInt128(number))
                    #expect(answer.code == (number % 3 == 0 ? 404 : 200))
                    seen.insert(number)
                }
                #expect(seen.count == 64, "each one is answered once")
            }
        }
    }

    /// A client that half-closes after its requests gets all answers, then the end.
    @Test(arguments: backends) func aHalfClosedClientIsAnswered(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            for trailing in [0, 10, 40] {
                var client = try gateway.connect()
                try client.send(
                    WireFrame.resolve("name:late-80-x", correlation: 1).bytes + WireFrame.ping(correlation: 2).bytes
                        + WireFrame.resolve("name:site", correlation: 3).bytes.prefix(trailing))
                client.shutdownWrite()
                let answers = try [client.frame(), client.frame()]
                #expect(answers.map(\.correlation) == [2, 1])
                try client.expectEnd()
            }
            try gateway.waitUntilQuiet()
        }
    }

    /// io_uring without each of its optional features serves the same conversation.
    @Test(
        .enabled(
            if: TestEnvironment.uringProblem == nil, "io_uring is not here: \(TestEnvironment.uringProblem ?? "")"),
        arguments: (0..<6 as Range<UInt32>).map { UringKernel.Features(rawValue: 1 << $0) })
    func everyFeatureCanBeMissing(_ missing: UringKernel.Features) throws {
        try TestGateway.run(.uring, configure: { $0.uringFeatures = .all.subtracting(missing) }) { gateway in
            #expect(gateway.server.backend.features.count < 6)
            for round in 0..<3 as Range<UInt64> {
                var client = try gateway.connect()
                try client.expectResolved(correlation: round)
                let many = WireFrame.resolveMany(json: "[\"name:large\",\"name:x\"]").bytes
                let late = WireFrame.resolve("name:late-5-x", correlation: 9).bytes
                try client.send(Array(repeatElement(many, count: 40).joined()) + late)
                var codes: [UInt16] = []
                for _ in 0..<41 { codes.append(try client.frame().code) }
                #expect(codes == Array(repeating: 200, count: 41))
                client.shutdownWrite()
                try client.expectEnd()
            }
            try gateway.waitUntilQuiet()
        }
    }
}
