import GatewayTesting
import Reactor
import Synchronization
import Testing

/// Sending, ending, waking and waiting.
@Suite struct KernelSendAndTimeTests {
    static let candidates = Candidate.all

    private static func block(_ bytes: [UInt8], _ pool: inout BlockPool) throws -> Block {
        guard var block = pool.take(atLeast: bytes.count) else { throw Harness.Vain(waitedFor: "a block") }
        block.append(bytes.span)
        return block
    }

    /// Sends all of `block`, however many steps the kernel takes; returns how many.
    private static func sendAll(
        _ harness: inout Harness, _ descriptor: Int32, slot: UInt32, _ block: borrowing Block,
        betweenSteps: (Int) throws -> Void
    ) throws -> Int {
        var offset = 0
        var steps = 0
        while offset < block.count {
            steps += 1
            switch harness.kernel.send(descriptor, token: Harness.token(slot), block, from: offset) {
            case .finished(let result):
                try #require(result >= 0)
                offset += Int(result)
            case .submitted:
                let before = harness.sent(slot).count
                try harness.turn(timeoutNanoseconds: 1_000_000)
                while harness.sent(slot).count == before {
                    try betweenSteps(offset)
                    try harness.turn(timeoutNanoseconds: 1_000_000)
                }
                let result = try #require(harness.sent(slot).last)
                try #require(result >= 0)
                offset += Int(result)
            }
        }
        return steps
    }

    @Test(arguments: candidates) func aLargeSendToASlowReaderArrivesWhole(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        client.setKernelBuffers(sendBytes: 0, receiveBytes: 65_536)
        var pool = BlockPool(budget: MemoryBudget(bytesMax: 1 << 24))
        let bytes = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 17 &+ $0 / 251) }
        let block = try Self.block(bytes, &pool)
        var arrived: [UInt8] = []
        arrived.reserveCapacity(bytes.count)
        let descriptor = harness.accepted[0]
        _ = try Self.sendAll(&harness, descriptor, slot: 1, block) { _ in arrived += try client.receive() }
        while arrived.count < bytes.count { arrived += try client.receive() }
        let isEqual = arrived == bytes
        #expect(isEqual)
        pool.give(block)
        harness.kernel.shutdownWrite(descriptor)
        let end = try client.receive()
        #expect(end.isEmpty, "our end")
        // The other direction still works.
        try client.sendAll(Array("heard you".utf8))
        try harness.run("the peer's bytes") { $0.received[1] == Array("heard you".utf8) }
        client.shutdownWrite()
        try harness.run("the peer's end") { $0.finals(1) == [0] }
        harness.kernel.close(descriptor, reset: false)
        try harness.finish()
    }

    /// One send per turn and session, many turns: answers come in order and whole.
    @Test(arguments: candidates) func manySmallSendsKeepTheirOrder(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        let descriptor = harness.accepted[0]
        var pool = BlockPool(budget: MemoryBudget(bytesMax: 1 << 20))
        var expected: [UInt8] = []
        for number in 0..<200 {
            let bytes = Array("answer \(number);".utf8)
            expected += bytes
            let block = try Self.block(bytes, &pool)
            _ = try Self.sendAll(&harness, descriptor, slot: 1, block) { _ in }
            pool.give(block)
        }
        var arrived: [UInt8] = []
        while arrived.count < expected.count { arrived += try client.receive() }
        #expect(arrived == expected)
        client.shutdownWrite()
        try harness.run("the peer's end") { $0.finals(1) == [0] }
        harness.kernel.close(descriptor, reset: false)
        try harness.finish()
    }

    /// Both operations in flight, to a peer that neither reads nor writes: `abort` ends each with one final
    /// completion, and after them nothing more comes.
    @Test(arguments: candidates) func abortEndsWhatIsInFlight(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        client.setKernelBuffers(sendBytes: 0, receiveBytes: 4096)
        let descriptor = harness.accepted[0]
        var pool = BlockPool(budget: MemoryBudget(bytesMax: 1 << 24))
        let block = try Self.block([UInt8](repeating: 7, count: 4_194_304), &pool)
        var offset = 0
        var isBlocked = false
        // Until a send stays in the kernel: the peer's window and our buffer are full.
        for _ in 0..<200 where !isBlocked {
            switch harness.kernel.send(descriptor, token: Harness.token(1), block, from: offset) {
            case .finished(let result): offset = (offset + max(0, Int(result))) % 4_000_000
            case .submitted:
                let before = harness.sent(1).count
                try harness.turn(timeoutNanoseconds: 50_000_000)
                isBlocked = harness.sent(1).count == before
                if !isBlocked { offset = (offset + max(0, Int(harness.sent(1).last ?? 0))) % 4_000_000 }
            }
        }
        try #require(isBlocked, "a peer that does not read blocks a sender in the end")
        let sentBefore = harness.sent(1).count
        harness.kernel.abort(descriptor)
        try harness.run("both to end") { $0.finals(1).count == 1 && $0.sent(1).count == sentBefore + 1 }
        try harness.turn(timeoutNanoseconds: 20_000_000)
        let counts = (harness.finals(1).count, harness.sent(1).count - sentBefore)
        #expect(counts == (1, 1), "one final completion each")
        pool.give(block)
        harness.kernel.close(descriptor, reset: true)
        try harness.turn(timeoutNanoseconds: 20_000_000)
        let after = (harness.finals(1).count, harness.sent(1).count - sentBefore)
        #expect(after == (1, 1), "nothing comes after the close")
        _ = client
        try harness.finish()
    }

    @Test(arguments: candidates) func abortEndsAnIdleReceive(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        harness.kernel.abort(harness.accepted[0])
        try harness.run("the receive to end") { $0.finals(1).count == 1 }
        harness.kernel.close(harness.accepted[0], reset: false)
        let end = try client.receive()
        #expect(end.isEmpty)
        try harness.finish()
    }

    @Test(arguments: candidates) func aResetCloseThrowsUnsentOutputAway(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        harness.kernel.abort(harness.accepted[0])
        try harness.run("the receive to end") { $0.finals(1).count == 1 }
        harness.kernel.close(harness.accepted[0], reset: true)
        // shutdown has sent our end before the reset; what the peer sees is one of the two, and soon.
        let isOver: Bool
        do throws(SystemError) { isOver = try client.receive().isEmpty } catch { isOver = error.name == "ECONNRESET" }
        #expect(isOver)
        try harness.finish()
    }

    // MARK: Waking and waiting

    @Test(arguments: candidates) func aWakeEndsASleepFromAnotherThread(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        let waker = try Waker()
        let token = Token(slot: 9, generation: 9)
        try harness.kernel.attach(waker, token: token)
        for _ in 0..<20 {
            let thread = try LoopThread(name: "waking") { waker.wake() }
            var woken: [Event] = []
            while woken.isEmpty { woken = try harness.turn(timeoutNanoseconds: nil).filter { $0.kind == .woken } }
            thread.join()
            #expect(woken.allSatisfy { $0.token == token && !$0.isFinal })
        }
        try harness.startAccepting()
        try harness.finish()
    }

    /// A wake before the wait is not lost, many are as good as one, and none is left over.
    @Test(arguments: candidates) func wakesAreNeitherLostNorRepeated(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        let waker = try Waker()
        try harness.kernel.attach(waker, token: Token(slot: 9, generation: 9))
        for _ in 0..<100 { waker.wake() }
        var woken = 0
        while woken == 0 { woken += try harness.turn(timeoutNanoseconds: nil).count { $0.kind == .woken } }
        for _ in 0..<3 { woken += try harness.turn(timeoutNanoseconds: 5_000_000).count { $0.kind == .woken } }
        #expect((1...2).contains(woken))
        try harness.startAccepting()
        try harness.finish()
    }

    private final class Outcome: Sendable {
        let times = Mutex<Result<[UInt64], any Error>>(.success([]))
    }

    /// Waits on a thread that never had another ring: the kernel ends an exited ring's work with a signal to its
    /// thread, which would cut the next sleep short. Returns how long each wait took, with nothing to complete.
    private static func waits(_ candidate: Candidate, _ asked: [UInt64]) throws -> [UInt64] {
        let outcome = Outcome()
        let thread = try LoopThread(name: "waits") {
            outcome.times.withLock { result in
                result = Result {
                    var kernel = try AnyKernel(candidate, KernelLimits(buffersCount: 8))
                    var batch = CompletionBatch()
                    return try asked.map { timeout in
                        let start = MonotonicClock.nowNanoseconds()
                        try kernel.wait(timeoutNanoseconds: timeout, into: &batch)
                        return MonotonicClock.nowNanoseconds() - start
                    }
                }
            }
        }
        thread.join()
        return try outcome.times.withLock { try $0.get() }
    }

    /// A wait lasts at least as long as it was asked to. How much longer is the machine's affair.
    @Test(arguments: candidates) func waitsAreNeverShort(_ candidate: Candidate) throws {
        let asked: [UInt64] = [0, 1, 300_000, 1_000_000, 1_500_000, 12_345_678]
        for (wanted, waited) in zip(asked, try Self.waits(candidate, asked)) {
            #expect(waited >= wanted, "asked for \(wanted) ns")
        }
    }

    /// Thousands of completions at once come in bounded batches, and all of them come.
    @Test(arguments: candidates) func aBurstComesInBoundedBatches(_ candidate: Candidate) throws {
        var harness = try Harness(candidate, KernelLimits(bufferBytes: 64, buffersCount: 1024, submissionEntries: 1024))
        try harness.startAccepting()
        var clients = SocketList()
        for slot in 0..<8 as Range<UInt32> { clients.add(try harness.pair(slot: slot)) }
        for slot in 0..<8 { try clients.with(slot) { try $0.sendAll([UInt8](repeating: UInt8(slot), count: 40_000)) } }
        var largest = 0
        while (0..<8 as Range<UInt32>).contains(where: { (harness.received[$0]?.count ?? 0) < 40_000 }) {
            largest = max(largest, try harness.turn(timeoutNanoseconds: 1_000_000_000).count)
        }
        #expect(largest <= CompletionBatch.capacity)
        clients.removeAll()
        try harness.run("all to end") { harness in (0..<8 as Range<UInt32>).allSatisfy { harness.finals($0) == [0] } }
        for descriptor in harness.accepted { harness.kernel.close(descriptor, reset: false) }
        try harness.finish()
    }
}
