import Reactor
import Testing

/// Goal: large answers that nobody reads cannot take the memory for everybody else's small ones, and what one pool has
/// free is there for another size.
@Suite struct SharedBudgetTests {
    private struct NoBlock: Error {}

    private func take(_ pool: inout BlockPool, _ bytes: Int) throws -> Block {
        guard let block = pool.take(atLeast: bytes) else { throw NoBlock() }
        return block
    }

    private func hasNone(_ pool: inout BlockPool, _ bytes: Int) -> Bool {
        guard let block = pool.take(atLeast: bytes) else { return true }
        pool.give(block)
        return false
    }

    @Test func theLastEighthIsForSmallBlocks() throws {
        let budget = MemoryBudget(bytesMax: 8 << 20)
        var greedy = BlockPool(budget: budget)
        var first = try self.take(&greedy, 4 << 20)
        let isSpent = self.hasNone(&greedy, 4 << 20)
        #expect(isSpent, "seven eighths are spent")
        var modest = BlockPool(budget: budget)
        var small = try self.take(&modest, 4096)
        small.append(1)
        first.append(1)
        modest.give(small)
        greedy.give(first)
    }

    @Test func freeBlocksMakeRoomForOtherSizes() throws {
        let budget = MemoryBudget(bytesMax: 8 << 20)
        var pool = BlockPool(budget: budget)
        for _ in 0..<3 {
            let large = try self.take(&pool, 4 << 20)
            pool.give(large)
            let medium = try self.take(&pool, 1 << 20)
            let other = try self.take(&pool, 1 << 20)
            let third = try self.take(&pool, 1 << 20)
            let fourth = try self.take(&pool, 1 << 20)
            pool.give(medium)
            pool.give(other)
            pool.give(third)
            pool.give(fourth)
        }
        let blocksUsed = pool.blocksUsed
        #expect(blocksUsed == 0)
        #expect(budget.bytesUsed <= budget.bytesMax)
    }
}
