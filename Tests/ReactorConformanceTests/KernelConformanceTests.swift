import GatewayTesting
import Reactor
import Testing

/// The contract of `Kernel`, the same for every backend and for io_uring without each of its optional features.
@Suite struct KernelConformanceTests {
    static let candidates = Candidate.all

    @Test(.enabled(if: Candidate.uringProblem == nil, "io_uring is not here: \(Candidate.uringProblem ?? "")"))
    func ioUringIsAmongTheCandidates() { #expect(Self.candidates.count == 8) }

    /// A feature that is taken away is gone, and the others stay but for what cannot be without it.
    @Test(.enabled(if: Candidate.uringProblem == nil, "io_uring is not here: \(Candidate.uringProblem ?? "")"))
    func eachFeatureDegradesAlone() throws {
        func features(_ candidate: Candidate) throws -> Set<String> {
            let kernel = try AnyKernel(candidate, KernelLimits(buffersCount: 8))
            return Set(kernel.featuresInUse)
        }
        let all = try features(.uring(without: nil))
        for missing in Candidate.UringFeature.allCases {
            var expected = all.subtracting([missing.rawValue])
            if missing == .singleIssuer { expected.remove("defer_taskrun") }
            #expect(try features(.uring(without: missing)) == expected, "without \(missing.rawValue)")
        }
    }

    // MARK: Accepting

    @Test(arguments: candidates) func acceptsWhoeverComes(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let early = try harness.connect()
        let first = try harness.acceptOne()
        let late = try harness.connect()
        let second = try harness.acceptOne()
        #expect(first != second)
        for descriptor in [first, second] { harness.kernel.close(descriptor, reset: false) }
        let ends = try [early.receive(), late.receive()]
        #expect(ends == [[], []])
        try harness.finish()
    }

    @Test(arguments: candidates) func stopAcceptingIsFinalAndLeavesTheQueue(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.connect()
        let descriptor = try harness.acceptOne()
        harness.rearms = false
        harness.kernel.stopAccepting(harness.listener.descriptor, token: Harness.listenerToken)
        try harness.run("accepting to end") {
            $0.events.contains { $0.kind == .accepted && $0.isFinal && $0.result == -ErrnoCode.cancelled }
        }
        let waiting = try harness.connect()
        try harness.turn(timeoutNanoseconds: 20_000_000)
        let count = harness.accepted.count
        #expect(count == 1, "nothing is accepted any more")
        let pending = try #require(Listener.acceptPending(harness.listener.descriptor, nonBlocking: true))
        #expect(Listener.acceptPending(harness.listener.descriptor, nonBlocking: true) == nil)
        for descriptor in [descriptor, pending] { harness.kernel.close(descriptor, reset: false) }
        let ends = try [client.receive(), waiting.receive()]
        #expect(ends == [[], []])
        try harness.finish()
    }

    // MARK: Receiving

    @Test(arguments: candidates) func receivesInOrderUntilThePeerEnds(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        var expected: [UInt8] = []
        for count in [1, 7, 8192, 8193, 100, 40_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ count) }
            try client.sendAll(bytes)
            expected += bytes
            let total = expected.count
            try harness.run("\(total) bytes") { ($0.received[1]?.count ?? 0) >= total }
        }
        client.shutdownWrite()
        try harness.run("the peer's end") { $0.finals(1) == [0] }
        let received = harness.received[1]
        #expect(received == expected)
        harness.kernel.close(harness.accepted[0], reset: false)
        try harness.finish()
    }

    /// Bytes and the end in one batch: the bytes come first, the end is not lost.
    /// A caller that reaps less than there is gets the rest later, all of it and in order.
    @Test(arguments: candidates) func aSmallBatchLosesNothing(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        harness.batch.countMax = 2
        try harness.startAccepting()
        var clients = SocketList()
        for slot in 1...9 as ClosedRange<UInt32> { clients.add(try harness.pair(slot: slot)) }
        for round in 0..<20 as Range<UInt8> {
            for index in 0..<9 { try clients.with(index) { try $0.sendAll([round, UInt8(index)]) } }
        }
        try harness.run("all bytes") { harness in (1...9).allSatisfy { (harness.received[$0]?.count ?? 0) == 40 } }
        for slot in 1...9 as ClosedRange<UInt32> {
            let received = harness.received[slot]
            #expect(received == (0..<20).flatMap { [$0, UInt8(slot - 1)] })
        }
        clients.removeAll()
        try harness.run("their ends") { harness in (1...9).allSatisfy { harness.finals($0) == [0] } }
        for descriptor in harness.accepted { harness.kernel.close(descriptor, reset: false) }
        try harness.finish()
    }

    @Test(arguments: candidates) func bytesThenTheEndAtOnce(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.connect()
        try client.sendAll(Array("last words".utf8))
        client.shutdownWrite()
        let descriptor = try harness.acceptOne()
        try harness.startReceiving(descriptor, slot: 2)
        try harness.run("the peer's end") { $0.finals(2) == [0] }
        let received = harness.received[2]
        #expect(received == Array("last words".utf8))
        harness.kernel.close(descriptor, reset: false)
        try harness.finish()
    }

    @Test(arguments: candidates) func aResetIsAnErrorAndFinal(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        client.reset()
        try harness.run("the reset") { !$0.finals(1).isEmpty }
        let finals = harness.finals(1)
        #expect(finals.count == 1 && SystemError.name(of: -finals[0]) == "ECONNRESET")
        harness.kernel.close(harness.accepted[0], reset: false)
        try harness.finish()
    }

    @Test(arguments: candidates) func stopReceivingIsFinalAndLosesNothing(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        let descriptor = harness.accepted[0]
        try client.sendAll(Array("before ".utf8))
        try harness.run("the first bytes") { $0.received[1]?.count == 7 }
        harness.rearms = false
        harness.kernel.stopReceiving(descriptor, token: Harness.token(1))
        try harness.run("receiving to end") { !$0.finals(1).isEmpty }
        #expect(harness.finals(1) == [-ErrnoCode.cancelled])
        try client.sendAll(Array("between ".utf8))
        try harness.turn(timeoutNanoseconds: 20_000_000)
        let whileStopped = harness.received[1]
        #expect(whileStopped == Array("before ".utf8), "nothing is received while it is stopped")
        harness.rearms = true
        try harness.startReceiving(descriptor, slot: 1)
        try client.sendAll(Array("after".utf8))
        client.shutdownWrite()
        try harness.run("the peer's end") { $0.finals(1).last == 0 }
        let received = harness.received[1]
        #expect(received == Array("before between after".utf8))
        harness.kernel.close(descriptor, reset: false)
        try harness.finish()
    }

    /// Four buffers of 64 bytes for three peers who send sixty kilobytes each: running out is flow control, and
    /// nothing is lost or mixed up.
    @Test(arguments: candidates) func runningOutOfBuffersLosesNothing(_ candidate: Candidate) throws {
        var harness = try Harness(candidate, KernelLimits(bufferBytes: 64, buffersCount: 4, submissionEntries: 8))
        try harness.startAccepting()
        var clients = SocketList()
        for slot in 0..<3 as Range<UInt32> { clients.add(try harness.pair(slot: slot)) }
        let expected = (0..<3).map { slot in (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ slot) } }
        for piece in 0..<60 {
            for slot in 0..<3 {
                try clients.with(slot) { try $0.sendAll(Array(expected[slot][(piece * 1000)..<((piece + 1) * 1000)])) }
            }
            try harness.run("piece \(piece)") { harness in
                (0..<3 as Range<UInt32>).allSatisfy { (harness.received[$0]?.count ?? 0) >= (piece + 1) * 1000 }
            }
        }
        for slot in 0..<3 {
            let isEqual = harness.received[UInt32(slot)] == expected[slot]
            #expect(isEqual, "slot \(slot)")
        }
        if candidate == .uring(without: nil) {
            let ranOut = harness.events.contains { $0.result == -ErrnoCode.noBuffers }
            #expect(ranOut, "the case that this test is for")
        }
        clients.removeAll()
        try harness.run("all to end") { harness in (0..<3 as Range<UInt32>).allSatisfy { harness.finals($0) == [0] } }
        for descriptor in harness.accepted { harness.kernel.close(descriptor, reset: false) }
        try harness.finish()
    }

    @Test(arguments: candidates) func twoHundredConnections(_ candidate: Candidate) throws {
        var harness = try Harness(candidate, KernelLimits(bufferBytes: 512, buffersCount: 16, submissionEntries: 64))
        try harness.startAccepting()
        var clients = SocketList()
        let count = 200
        for slot in 0..<UInt32(count) { clients.add(try harness.pair(slot: slot)) }
        for round in 0..<3 {
            for slot in 0..<count {
                try clients.with(slot) { try $0.sendAll([UInt8](repeating: UInt8(slot), count: 100 + round)) }
            }
        }
        for slot in 0..<count { clients.with(slot) { $0.shutdownWrite() } }
        try harness.run("all to end") { harness in
            (0..<UInt32(count)).allSatisfy { harness.received[$0]?.count == 303 }
                && harness.finalsCount(result: 0) == count
        }
        for slot in 0..<count {
            let isOwn = harness.received[UInt32(slot)]?.allSatisfy { $0 == UInt8(slot) } == true
            #expect(isOwn, "slot \(slot)")
        }
        for descriptor in harness.accepted { harness.kernel.close(descriptor, reset: false) }
        try harness.finish()
    }

    /// Descriptors are used again at once; nothing of the one before reaches the next.
    @Test(arguments: candidates) func reusedDescriptorsHaveTheirOwnEvents(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        for slot in 0..<100 as Range<UInt32> {
            let client = try harness.pair(slot: slot)
            let descriptor = harness.accepted[Int(slot)]
            try client.sendAll(Array("tenant \(slot)".utf8))
            try harness.run("its bytes") { $0.received[slot] != nil }
            if slot % 2 == 0 { client.reset() } else { client.shutdownWrite() }
            try harness.run("its end") { $0.finals(slot).count == 1 }
            harness.kernel.close(descriptor, reset: slot % 3 == 0)
            let received = harness.received[slot]
            #expect(received == Array("tenant \(slot)".utf8))
        }
        let kinds = Set(harness.accepted)
        #expect(kinds.count < 100, "descriptors were used again")
        try harness.finish()
    }
}
