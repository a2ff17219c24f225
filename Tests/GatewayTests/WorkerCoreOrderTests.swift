import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

/// Every order for every method, as values: no socket, no sleep.
@Suite struct WorkerCoreOrderTests {
    @Test func everyMethodHasItsOrder() {
        var harness = CoreHarness()
        harness.connect(0)
        #expect(harness.order(.hello()) == .hello)
        #expect(harness.order(.hello("{\"ua\":\"x\"}")) == .hello)
        #expect(harness.order(.hello("{\"ua\":1}")) == .refused(.badRequest))
        #expect(harness.order(.ping("abc")) == .echo)
        #expect(harness.order(.ping(String(repeating: "x", count: 64))) == .echo)
        #expect(harness.order(.ping(String(repeating: "x", count: 65))) == .refused(.badRequest))
        #expect(harness.order(.resolve("name:a", correlation: 1)) == .resolve)
        #expect(harness.order(.resolve("a", correlation: 2)) == .refused(.badRequest))
        #expect(harness.order(.resolveMany(json: "[\"name:a\",\"name:b\"]", correlation: 3)) == .resolveMany(2))
        #expect(harness.order(.resolveMany(json: "[]", correlation: 4)) == .refused(.badRequest))
        for code in [16, 17] as [UInt16] {
            #expect(harness.order(.request(code: code, [], correlation: 5)) == .refused(.methodForbidden))
        }
        #expect(harness.order(.request(code: 2, [], correlation: 5)) == .refused(.badRequest))
        #expect(harness.order(.request(application: 9, [], correlation: 5)) == .refused(.unknownApplication))
        #expect(harness.core.openCount == 2)
        harness.endTurn()
        #expect(harness.admission.concurrency.openCount == 2, "refusals hold no permit")
    }

    @Test func everyRefusalOfAHeaderCloses() {
        var harness = CoreHarness()
        harness.connect(0)
        for vector in ProtocolVector.refused where vector.framesCount == 0 {
            guard case .refused(let name) = vector.end else { continue }
            guard case .refused(let code, let header) = harness.core.decoder.step(vector.bytes.span) else {
                Issue.record("\(vector.name) is not refused")
                continue
            }
            guard case .answerAndClose(.refusal(let refusal)) = harness.core.headerRefused(0, code, header) else {
                Issue.record("\(vector.name) does not close")
                continue
            }
            #expect(refusal.code.name == name && refusal.code.closesConnection)
            #expect(refusal.header == header, "the answer echoes the header as it came")
        }
    }

    /// What the page says of exchanges comes before everything else about a request, and in this order.
    @Test func checksComeInTheirOrder() {
        var harness = CoreHarness(inflightMax: 1, serving: false)
        harness.connect(0)
        var frame = WireFrame.request(application: 7, "no key".utf8, correlation: 1)
        frame.flags = WireFrame.Flag.request | WireFrame.Flag.event | WireFrame.Flag.start | WireFrame.Flag.compressed
        #expect(harness.order(frame) == .refused(.badSequence), "direction")
        frame.flags &= ~WireFrame.Flag.event
        #expect(harness.order(frame) == .refused(.unknownApplication))
        frame.application = 0x0101
        #expect(harness.order(frame) == .refused(.badSequence), "START without END")
        frame.flags |= WireFrame.Flag.end
        #expect(harness.order(frame) == .refused(.badCompression))
        frame.flags &= ~WireFrame.Flag.compressed
        #expect(harness.order(frame) == .refused(.notReady))
        harness.core.serve()
        #expect(harness.order(frame) == .refused(.badRequest), "the key")
        frame.payload = Array("name:k".utf8)
        #expect(harness.order(frame) == .resolve)
        #expect(harness.order(frame) == .refused(.badSequence), "corr_id in use")
        frame.correlation = 2
        #expect(harness.order(frame) == .refused(.tooManyInflight))
    }

    @Test func aCorrelationIsInUseUntilItIsAnswered() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.connect(1)
        let ticket = harness.open(7)
        #expect(harness.order(.resolve("name:x", correlation: 7)) == .refused(.badSequence))
        #expect(harness.order(.ping("", correlation: 7)) == .refused(.badSequence))
        #expect(harness.order(.resolve("name:x", correlation: 7), on: 1) == .resolve, "another connection's own")
        harness.finish(ticket)
        #expect(harness.order(.resolve("name:x", correlation: 7)) == .resolve)
    }

    @Test func inflightIsLimitedPerConnection() {
        var harness = CoreHarness(inflightMax: 3)
        harness.connect(0)
        harness.connect(1)
        let first = harness.open(1)
        _ = harness.open(2)
        _ = harness.open(3)
        #expect(harness.order(.resolve("name:x", correlation: 4)) == .refused(.tooManyInflight))
        let retry = harness.lastRefusal?.retryAfterMilliseconds ?? 0
        #expect((10...13).contains(retry))
        #expect(harness.order(.ping(correlation: 99)) == .echo, "PING takes no place")
        #expect(harness.order(.resolve("name:x", correlation: 4), on: 1) == .resolve)
        harness.finish(first)
        #expect(harness.order(.resolve("name:x", correlation: 4)) == .resolve)
    }

    @Test func theConcurrencyLimitRefusesWithoutHoldingAnything() {
        var harness = CoreHarness(openMax: 1, tenantRate: TokenRate(tokensPerSecond: 0.001, burst: 2))
        harness.connect(0)
        let ticket = harness.open(1)
        for _ in 0..<5 { #expect(harness.order(.resolve("name:x", correlation: 2)) == .refused(.overloaded)) }
        harness.finish(ticket)
        #expect(
            harness.order(.resolve("name:x", correlation: 2)) == .resolve, "the refused took no token of the tenant's")
        #expect(harness.core.openCount == 1)
    }

    @Test func quotasAreCountedByScope() {
        let once = TokenRate(tokensPerSecond: 0.001, burst: 1)
        var connection = CoreHarness(connectionRate: once)
        connection.connect(0)
        #expect(connection.order(.hello()) == .hello, "HELLO counts as a frame")
        #expect(connection.order(.ping()) == .refused(.quotaExhausted))
        #expect(connection.metric("quota_exhaustions_total{scope=\"connection\"}") == "1")

        var tenant = CoreHarness(tenantRate: once)
        tenant.connect(0)
        #expect(tenant.order(.hello()) == .hello)
        #expect(tenant.order(.ping()) == .echo, "PING takes no tokens")
        #expect(tenant.order(.resolve("name:x", correlation: 1, tenant: 5)) == .resolve)
        #expect(tenant.order(.resolve("name:x", correlation: 2, tenant: 5)) == .refused(.quotaExhausted))
        #expect(tenant.order(.resolve("name:x", correlation: 2, tenant: 6)) == .resolve)
        #expect(tenant.metric("quota_exhaustions_total{scope=\"tenant\"}") == "1")

        var global = CoreHarness(globalRate: once)
        global.connect(0)
        #expect(global.order(.resolve("name:x", correlation: 1)) == .resolve)
        #expect(global.order(.resolve("name:x", correlation: 2)) == .refused(.ingressExhausted))
        let retry = global.lastRefusal?.retryAfterMilliseconds ?? 0
        #expect((999_000...1_250_000).contains(retry), "the time until the next token, in milliseconds")
        #expect(global.metric("quota_exhaustions_total{scope=\"global\"}") == "1")
    }

    /// Frames that are answered cost a token of the connection's whatever is wrong with them.
    @Test func brokenExchangesCountAgainstTheConnectionsRate() {
        var harness = CoreHarness(connectionRate: TokenRate(tokensPerSecond: 0.001, burst: 3))
        harness.connect(0)
        var response = WireFrame.ping()
        response.flags = WireFrame.Flag.response
        for _ in 0..<3 { #expect(harness.order(response) == .refused(.badSequence)) }
        #expect(harness.order(response) == .refused(.quotaExhausted))
    }

    @Test func phasesDecideWhoIsServed() {
        var harness = CoreHarness(serving: false)
        harness.connect(0)
        #expect(harness.order(.resolve("name:x")) == .refused(.notReady))
        #expect(harness.order(.hello()) == .hello)
        harness.core.serve()
        let ticket = harness.open(1)
        harness.core.drain(nowNanoseconds: harness.now)
        #expect(harness.order(.resolve("name:x", correlation: 2)) == .refused(.draining))
        #expect(harness.order(.resolveMany(json: "[\"name:x\"]", correlation: 2)) == .refused(.draining))
        #expect(harness.order(.ping(correlation: 99)) == .echo)
        harness.core.serve()
        #expect(harness.order(.resolve("name:x", correlation: 2)) == .refused(.draining), "a drain is not taken back")
        #expect(harness.core.isOpen(ticket) == true)
        harness.finish(ticket)
        #expect(harness.core.openCount == 0)
    }

    @Test func anAdminLookupIsAdmittedWithoutASession() {
        var harness = CoreHarness(openMax: 1)
        let key = Array("name:x".utf8)
        guard case .resolve(let ticket) = harness.core.adminResolve(key.span, nowNanoseconds: harness.now) else {
            Issue.record("not admitted")
            return
        }
        let origin = harness.core.origin(of: ticket)
        #expect(origin != nil && origin?.session == nil)
        guard case .answer(.refusal(let refusal)) = harness.core.adminResolve(key.span, nowNanoseconds: harness.now)
        else {
            Issue.record("two at concurrency one")
            return
        }
        #expect(refusal.code == .overloaded)
        harness.finish(ticket)
        #expect(harness.admission.concurrency.openCount == 0)
    }
}
