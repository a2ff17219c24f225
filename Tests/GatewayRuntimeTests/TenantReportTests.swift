import Admission
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// What became of each tenant's requests, over all workers.
@Suite struct TenantReportTests {
    @Test(arguments: TestEnvironment.backends) func tenantsAreToldApart(_ kind: Backend.Kind) throws {
        let free = NamedTenant(tenant: 8, name: "free", quota: TenantQuota())
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.tenantDefault.requests = TokenRate(tokensPerSecond: 0.01, burst: 5)
                $0.live.policy.tenants = [free]
            }
        ) { gateway in
            #expect(gateway.server.tenantReport() == TenantReport(tenants: [], other: TenantCounts()))
            // Whoever has answers finds them counted: a turn counts before it sends. Several connections reach both workers.
            for round in 1...6 as ClosedRange<UInt64> {
                var clients = ClientList()
                for _ in 0..<4 { clients.add(try gateway.connect()) }
                try clients.forEach { client in
                    for number in 0..<10 as Range<UInt64> {
                        try client.send(.resolve("name:site", correlation: number, tenant: number < 4 ? 7 : 8))
                    }
                    for _ in 0..<10 { _ = try client.frame() }
                }
                let report = gateway.server.tenantReport()
                #expect(
                    report
                        == TenantReport(
                            tenants: [
                                .init(tenant: 8, counts: TenantCounts(admitted: 24 * round)),
                                .init(tenant: 7, counts: TenantCounts(admitted: 5, quota: 16 * round - 5)),
                            ], other: TenantCounts()))
            }
        }
    }
}
