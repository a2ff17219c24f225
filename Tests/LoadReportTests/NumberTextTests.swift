import Terminal
import Testing

@Suite struct NumberTextTests {
    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1234, "-1,234")])
    func groupsThousands(number: Int, text: String) {
        #expect(NumberText.grouped(number) == text)
    }

    @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB")] as [(UInt64, String)])
    func namesBinaryUnits(count: UInt64, text: String) {
        #expect(NumberText.bytes(count) == text)
    }

    @Test(arguments: [(4.2, "4.20us"), (87.24, "87.2us"), (4312, "4.31ms"), (1_200_000, "1.20s"), (0.0, "0.00us")])
    func givesTimesThreeDigits(microseconds: Double, text: String) {
        #expect(NumberText.time(microseconds: microseconds) == text)
    }
}
