import Testing

@testable import ControlPlane

@Suite struct LogTimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"), (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
            (1_795_555_815_123, "2026-11-24T21:30:15.123Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func aMomentIsWrittenInUTC(milliseconds: Int64, text: String) {
        #expect(LogTimestamp.text(millisecondsSinceEpoch: milliseconds) == text)
    }
}
