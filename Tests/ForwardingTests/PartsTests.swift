@testable import Forwarding
import GatewayTesting
import OAP
import Testing

@Suite struct PartsTests {
    /// Any history of times is that of an array which is searched.
    @Test func theTimerHeapIsAnArraysMinimum() {
        var random = SeededGenerator.fromEnvironment()
        var heap = TimerHeap(capacity: 40)
        var model = [UInt64?](repeating: nil, count: 40)
        for step in 0..<20_000 {
            let slot = Int(random.next() % 40)
            if random.oneIn(3) {
                heap.remove(slot)
                model[slot] = nil
            } else {
                let time = random.next() % 100
                heap.set(slot, nanoseconds: time)
                model[slot] = time
            }
            let least = model.compactMap { $0 }.min()
            let agrees =
                heap.firstNanoseconds == least && heap.first.flatMap { model[$0] } == least
                && heap.count == model.count { $0 != nil }
                && model.indices.allSatisfy { heap.contains($0) == (model[$0] != nil) }
            guard agrees else {
                Issue.record("heap and array disagree at step \(step); \(random.replay)")
                return
            }
        }
    }

    @Test func backoffDoublesUpToItsMaximum() {
        let waits = (1...8).map { Backoff.exponential(base: 50, max: 1_000, attempt: $0) }
        #expect(waits == [50, 100, 200, 400, 800, 1_000, 1_000, 1_000])
        for attempt in [63, 64, 65, 1_000, .max] {
            #expect(Backoff.exponential(base: 50, max: 1_000, attempt: attempt) == 1_000, "no bit is shifted out")
        }
        #expect(Backoff.exponential(base: 50, max: 20, attempt: 1) == 20)
        let jittered = [0, UInt64.max / 2, .max].map { Backoff.equalJitter(1_000, fraction: $0) }
        #expect(jittered == [1_000, 751, 501])
    }

    @Test func theBudgetIsATenthAndBounded() {
        var budget = RetryBudget(savedMax: 2)
        for _ in 0..<9 { budget.earn() }
        var spent = budget.spend()
        #expect(!spent)
        budget.earn()
        spent = budget.spend()
        #expect(spent)
        for _ in 0..<1_000 { budget.earn() }
        let spends = (0..<3).map { _ in budget.spend() }
        #expect(spends == [true, true, false])
    }

    @Test func randomNumbersAreUniformBelowTheirBound() {
        var random = RandomNumbers(seed: 3)
        var counts = [0, 0, 0, 0, 0]
        for _ in 0..<5_000 { counts[Int(random.next(below: 5))] += 1 }
        #expect(counts.allSatisfy { (850...1_150).contains($0) }, "\(counts)")
    }

    @Test(arguments: [
        #"{"max_frame":1048576,"max_inflight":64,"flags_supported":255,"versions":[1],"transports":["tcp"]}"#,
        #" { "max_inflight" : 64 , "x" : {"max_frame":7}, "max_frame" : 1048576.0 } "#,
    ])
    func aHelloReplyIsRead(payload: String) {
        let reply = HelloReply(Array(payload.utf8).span)
        #expect(reply?.inflightMax == 64 && reply?.frameBytesMax == 1_048_576)
    }

    /// Memory is taken once per place, whatever is kept in it later.
    @Test func placesForBodiesKeepTheirMemory() {
        var bodies = KeptBodies(placesMax: 3, bodyBytesMax: 8)
        var addresses: Set<Int> = []
        var random = SeededGenerator.fromEnvironment()
        for _ in 0..<100 {
            let wanted = (0..<4).map { _ in random.bytes(Int(random.next() % 10)) }
            let kept = wanted.map { bodies.keep($0.span) }
            let lengths = wanted.map(\.count)
            var fitting = 0
            for (body, place) in zip(wanted, kept) {
                if body.count <= 8 { fitting += 1 }
                guard let place else {
                    #expect(body.count > 8 || fitting > 3, "\(lengths); \(random.replay)")
                    continue
                }
                let same = bodies.withBody(place) { span in span.indices.map { span[$0] } } == body
                #expect(same, "\(random.replay)")
                addresses.insert(Int(place.index))
            }
            for place in kept { if let place { bodies.discard(place) } }
            #expect(bodies.count == 0)
        }
        #expect(addresses.count <= 3)
    }

    @Test func memoryIsWhatTheSettingsSay() {
        var settings = ForwardingSettings()
        let bytes = Forwarder.bytesMax(settings)
        #expect(bytes > 4 << 20 && bytes < 5 << 20)
        settings.keptBodiesMax = 0
        #expect(Forwarder.bytesMax(settings) < 256 << 10, "less than 256 bytes a request")
    }
}
