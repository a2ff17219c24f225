import GatewayTesting
import Reactor
import Testing

@Suite struct BlockPoolTests {
    private static func bytes(_ block: borrowing Block) -> [UInt8] {
        let span = block.bytes
        return span.indices.map { span[$0] }
    }

    @Test func blocksComeInTheirClass() throws {
        var pool = BlockPool(budget: MemoryBudget(bytesMax: 1 << 24))
        for (wanted, capacity) in [(0, 512), (1, 512), (512, 512), (513, 4096), (4097, 32_768), (1_048_576, 1_049_600)]
        {
            guard let block = pool.take(atLeast: wanted) else {
                Issue.record("no block of \(wanted)")
                return
            }
            let sizes = (block.capacity, block.count, block.room)
            #expect(sizes == (capacity, 0, capacity))
            pool.give(block)
        }
        let used = pool.blocksUsed
        #expect(used == 0)
        let isNone: Bool
        switch pool.take(atLeast: BlockPool.blockBytesMax + 1) {
        case .some(let block): isNone = block.count < 0
        case .none: isNone = true
        }
        #expect(isNone, "no class is that large")
    }

    @Test func growthKeepsTheContent() {
        var pool = BlockPool(budget: MemoryBudget(bytesMax: 1 << 24))
        var random = SeededGenerator.fromEnvironment()
        guard var block = pool.take(atLeast: 1) else {
            Issue.record("no block")
            return
        }
        var expected: [UInt8] = []
        while expected.count < 2_000_000 {
            let piece = random.bytes(1 + Int(random.next() % 40_000))
            if block.room < piece.count {
                let grew = pool.grow(&block, by: piece.count)
                #expect(grew)
            }
            block.append(piece.span)
            expected += piece
        }
        let isEqual = Self.bytes(block) == expected
        #expect(isEqual, "\(random.replay)")
        block.truncate(to: 10)
        block.append(0xAB)
        block.extend(by: 2) { $0[1] = 7 }
        block.patch(0..<1) { $0[0] = 9 }
        let tail = Self.bytes(block)
        #expect(tail == [9] + expected[1..<10] + [0xAB, 0, 7])
        let used = pool.blocksUsed
        #expect(used == 1)
        pool.give(block)
    }

    /// The budget is never exceeded, a refusal takes nothing, and what is given back beyond the kept ones is returned.
    @Test func theBudgetIsExact() {
        let budget = MemoryBudget(bytesMax: 3 * 4096)
        do {
            var pool = BlockPool(budget: budget)
            guard let first = pool.take(atLeast: 4096), let second = pool.take(atLeast: 4096),
                var third = pool.take(atLeast: 4096)
            else {
                Issue.record("three of three were refused")
                return
            }
            let isRefused: Bool
            switch pool.take(atLeast: 1) {
            case .some(let block): isRefused = block.count < 0
            case .none: isRefused = true
            }
            #expect(isRefused)
            #expect(budget.bytesUsed == 3 * 4096)
            third.append(5)
            let grew = pool.grow(&third, by: 4096)
            #expect(!grew)
            let unchanged = Self.bytes(third)
            #expect(unchanged == [5], "a block that cannot grow is as it was")
            pool.give(first)
            pool.give(second)
            pool.give(third)
            #expect(budget.bytesUsed == 3 * 4096, "free blocks are kept for the next")
            guard let again = pool.take(atLeast: 4096) else {
                Issue.record("a free block was refused")
                return
            }
            pool.give(again)
        }
        #expect(budget.bytesUsed == 0, "a pool that ends returns everything")
    }
}
