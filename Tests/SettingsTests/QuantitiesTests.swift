import Testing

@testable import Settings

@Suite struct QuantitiesTests {
    @Test(arguments: [
        ("0", 0), ("4096", 4096), ("4096B", 4096), ("64KiB", 65_536), ("64 KiB", 65_536), ("1MiB", 1_048_576),
        ("1mib", 1_048_576), ("2MB", 2_000_000), ("3kB", 3_000), ("1GiB", 1 << 30), ("1TB", 1_000_000_000_000),
    ])
    func sizes(text: String, bytes: Int) {
        #expect(ByteSizeText.parse(text) == bytes)
        #expect(ByteSizeText.parse(ByteSizeText.render(bytes)) == bytes)
    }

    @Test(arguments: [
        "", "MiB", "-1", "+1", "1.5MiB", "1  MiB", "1 ", "1MiB ", "1M", "1XB", "99999999999999999999",
        "9999999999999TiB",
        "1\u{0}", "١MiB",
    ])
    func noSizes(text: String) {
        #expect(ByteSizeText.parse(text) == nil)
    }

    @Test(arguments: [
        ("0s", 0), ("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("60s", 60_000), ("1m", 60_000), ("1h", 3_600_000),
        ("90m", 5_400_000), ("1500ms", 1_500),
    ])
    func durations(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == milliseconds)
        #expect(DurationText.parse(DurationText.render(milliseconds)) == milliseconds)
    }

    @Test(arguments: ["", "5", "s", "-5s", "1.5s", "5S", "5 minutes", "1m30s", "9223372036854775807h", "5us"])
    func noDurations(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test func rendered() {
        #expect(
            [0, 1_000, 60_000, 120_000, 3_600_000, 86_400_000, 1_500].map(DurationText.render)
                == ["0s", "1s", "60s", "2m", "1h", "24h", "1500ms"])
        #expect(
            [1_048_576, 2_000_000, 1_536, 1 << 40, 0].map(ByteSizeText.render)
                == ["1MiB", "2000000", "1536", "1TiB", "0"])
        #expect(
            [0, 999, 1_000, 1_048_576, -1_002_003].map(\.grouped) == ["0", "999", "1,000", "1,048,576", "-1,002,003"])
    }
}
