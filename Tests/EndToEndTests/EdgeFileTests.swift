import Foundation
import GatewayTesting
import Testing

/// The files for ARM64 nodes are valid, and the memory ceiling that each states is the one that a gateway computes.
@Suite(.serialized) struct EdgeFileTests {
    private static func text(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("configs/\(name)"), encoding: .utf8)
    }

    @Test(arguments: ["edge-arm.toml": 8, "edge-arm-1g.toml": 1])
    func ceilingIsTheOneStated(name: String, gigabytes: Int) async throws {
        let text = try Self.text(name)
        let stated = try #require(text.firstMatch(of: /(?m)^# Memory ceiling: ([0-9,]+) bytes \((.+?)\)/))
        try await GatewayProcess.run(config: text) { gateway in
            let printed = try await gateway.control("limits").output
            let computed = try #require(printed.firstMatch(of: /(?m)^= ([0-9,]+) bytes \((.+?)\)$/))
            #expect(stated.1 == computed.1)
            #expect(stated.2 == computed.2)
            // Half of the node at most: the rest is for the index and the kernel.
            let bytes = try #require(Int(computed.1.replacing(",", with: "")))
            #expect(bytes <= gigabytes << 29)
            #expect(gateway.lines(with: " WARNING ").isEmpty)
        }
    }
}
