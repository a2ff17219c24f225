import Admission
import Testing

@Suite struct RetryAfterTests {
    /// Never earlier than the bucket says, never later than a quarter of it or a minute, and whole milliseconds.
    @Test(arguments: [1, 999_999, 1_000_000, 1_000_001, 40_000_000, 86_400_000_000_000, UInt64.max / 2] as [UInt64])
    func theTimeIsTrue(_ nanoseconds: UInt64) {
        for correlation in (0..<1000).map({ $0 &* 0x1234_5678_9ABC_DEF1 }) as [UInt64] {
            let milliseconds = RetryAfter.milliseconds(nanoseconds: nanoseconds, correlation: correlation)
            #expect(milliseconds >= 1)
            #expect(UInt128(milliseconds) * 1_000_000 >= UInt128(nanoseconds))
            let jitterMax = min(nanoseconds / 4, 60_000_000_000)
            #expect(UInt128(milliseconds - 1) * 1_000_000 < UInt128(nanoseconds) + UInt128(jitterMax))
        }
    }

    /// Those that are refused together come back apart: successive correlations fall into every tenth of the quarter alike.
    @Test func theJitterIsSpread() {
        let second: UInt64 = 1_000_000_000
        var tenths = [Int](repeating: 0, count: 10)
        for correlation in 0..<1000 {
            let milliseconds = RetryAfter.milliseconds(nanoseconds: second, correlation: UInt64(correlation))
            tenths[min(9, Int(milliseconds - 1000) / 25)] += 1
        }
        #expect(tenths.allSatisfy { $0 >= 80 && $0 <= 120 }, "\(tenths)")
    }

    @Test func nothingOverflows() {
        #expect(RetryAfter.milliseconds(nanoseconds: .max, correlation: .max) >= UInt64.max / 1_000_000)
        #expect(RetryAfter.milliseconds(nanoseconds: 0, correlation: 5) == 1)
    }
}
