// Invariant: after any history, the open requests are exactly those admitted and not ended, oldest first, each
// session counts its own, and as many permits are out as requests are open.
import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

@Suite struct OpenRequestTests {
    private struct Model {
        struct Open {
            let ticket: Ticket
            let session: Int?
            let correlation: UInt64
        }
        /// Oldest first.
        var open: [Open] = []
        var generations: [Int: UInt32] = [:]
        var stale: [Ticket] = []
    }

    @Test func aRandomHistoryKeepsTheListsTrue() {
        var random = SeededGenerator.fromEnvironment()
        var harness = CoreHarness(openMax: 60, inflightMax: 12)
        var model = Model()
        let slots = 10
        for slot in 0..<slots {
            harness.connect(slot)
            model.generations[slot] = 0
        }
        var correlation: UInt64 = 0
        for step in 0..<20_000 {
            harness.now += random.next() % 1000
            let slot = Int(random.next() % UInt64(slots))
            switch random.next() % 20 {
            case 0..<11:
                correlation += 1
                let mine = model.open.count { $0.session == slot }
                let seen = harness.order(.resolve("name:x", correlation: correlation), on: slot)
                let expected: Seen =
                    mine >= 12 ? .refused(.tooManyInflight) : model.open.count >= 60 ? .refused(.overloaded) : .resolve
                #expect(seen == expected, "step \(step); \(random.replay)")
                if seen == .resolve, let ticket = harness.lastTicket {
                    model.open.append(.init(ticket: ticket, session: slot, correlation: correlation))
                }
            case 11..<19:
                guard !model.open.isEmpty else { continue }
                let ended = model.open.remove(at: Int(random.next() % UInt64(model.open.count)))
                if random.oneIn(2) {
                    harness.finish(ended.ticket)
                } else {
                    let refusal = harness.core.fail(ended.ticket, .indexUnavailable, nowNanoseconds: harness.now)
                    #expect(refusal?.header.correlation == ended.correlation, "\(random.replay)")
                }
                model.stale.append(ended.ticket)
                if model.stale.count > 50 { model.stale.removeFirst() }
            default:
                harness.core.disconnected(slot, reason: .peer, nowNanoseconds: harness.now)
                let generation = (model.generations[slot] ?? 0) + 1
                model.generations[slot] = generation
                harness.connect(slot, generation: generation)
                model.open = model.open.map {
                    $0.session == slot ? .init(ticket: $0.ticket, session: nil, correlation: $0.correlation) : $0
                }
            }
            guard Self.agrees(&harness, model) else {
                Issue.record("lists and model disagree after step \(step); \(random.replay)")
                return
            }
        }
    }

    private static func agrees(_ harness: inout CoreHarness, _ model: Model) -> Bool {
        guard harness.core.openCount == model.open.count,
            harness.admission.concurrency.openCount == model.open.count
        else { return false }
        for open in model.open {
            guard let origin = harness.core.origin(of: open.ticket), origin.request.correlation == open.correlation
            else {
                return false
            }
            let key = open.session.map { SessionKey(slot: UInt32($0), generation: model.generations[$0] ?? 0) }
            guard origin.session == key else { return false }
        }
        for ticket in model.stale where harness.core.isOpen(ticket) { return false }
        // The oldest is the one that is overdue first.
        return harness.core.overdue(nowNanoseconds: .max / 2) == model.open.first?.ticket
    }

    /// A stale ticket changes nothing, however often it comes.
    @Test func aStaleTicketFindsNobody() {
        var harness = CoreHarness()
        harness.connect(0)
        let ticket = harness.open(1)
        harness.finish(ticket)
        harness.finish(ticket)
        #expect(harness.core.fail(ticket, .deadlineExceeded, nowNanoseconds: harness.now) == nil)
        #expect(harness.core.origin(of: ticket) == nil)
        #expect(harness.admission.concurrency.openCount == 0)
        #expect(harness.metric("requests_total{app=\"index\",status=\"200\"}") == "1")
    }

    /// A request whose client has gone keeps its permit until it ends, and its slot's next session does not inherit it.
    @Test func aVanishedClientsRequestStaysOpen() {
        var harness = CoreHarness(openMax: 2)
        harness.connect(0)
        let ticket = harness.open(1)
        harness.core.disconnected(0, reason: .error, nowNanoseconds: harness.now)
        #expect(harness.core.openCount == 1)
        #expect(harness.core.origin(of: ticket)?.session == nil)
        harness.connect(0, generation: 1)
        #expect(harness.order(.resolve("name:x", correlation: 1)) == .resolve, "the corr_id is its own")
        #expect(harness.order(.resolve("name:x", correlation: 2)) == .refused(.overloaded))
        harness.finish(ticket)
        #expect(harness.core.openCount == 1)
        #expect(harness.order(.resolve("name:x", correlation: 2)) == .resolve)
    }
}
