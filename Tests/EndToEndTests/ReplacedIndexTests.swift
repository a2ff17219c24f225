import Foundation
import GatewayTesting
import Testing

/// The index' files are taken away, or exchanged, under a gateway that has them open.
@Suite(.serialized) struct ReplacedIndexTests {
    @Test(arguments: backends) func aNewIndexInItsPlaceIsServed(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:hello")).code == 200)
            try FileManager.default.removeItem(atPath: gateway.directory.index)
            #expect(try await gateway.line("files were removed").contains(" WARNING "))
            #expect(try client.ask(.resolve("name:hello", correlation: 2)).code == 200, "the old state goes on")
            #expect(try gateway.get("/readyz").status == 200)
            #expect(try gateway.get("/readyz").body.contains("removed"))

            let put = try await gateway.index("put", "--key", "name:only", "--provider", "node-9,eu,1")
            #expect(put.status == 0, "\(put.errors)")
            try await gateway.line("the index was replaced")
            try await eventually("the new record to be served") {
                try client.ask(.resolve("name:only", correlation: 3)).code == 200
            }
            #expect(try client.ask(.resolve("name:hello", correlation: 4)).code == 404)
            #expect(try gateway.metrics().sum("index_records") == 1)
            #expect(try gateway.metrics().sum("index_failures_total") == 0)
        }
    }
}
