import Terminal
import Testing

@Suite struct TerminalTests {
    @Test func textFromElsewhereMovesNoCursor() {
        #expect(TerminalText.printable("a\u{1B}[31mb\u{202E}c\n") == "a\\u{1b}[31mb\\u{202e}c\\u{a}")
        #expect(TerminalText.printable("größer 語") == "größer 語")
    }

    @Test(arguments: [("abc", 3), ("語", 2), ("e\u{301}", 1), ("👍", 2), ("", 0)])
    func cellsAreCounted(text: String, cells: Int) {
        #expect(TerminalText.width(text) == cells)
        #expect(TerminalText.width(TerminalText.padded(text, 6)) == 6)
        #expect(TerminalText.width(TerminalText.leftPadded(text, 6)) == 6)
    }

    @Test func whatIsTooLongIsCutOrWrapped() {
        #expect(TerminalText.cut("abcdef", 4) == "abc…")
        #expect(TerminalText.cut("語語語", 4) == "語…")
        #expect(TerminalText.cut("abc", 3) == "abc")
        #expect(TerminalText.wrapped("one two three", 7) == ["one two", "three"])
        #expect(TerminalText.wrapped("incomprehensible", 7) == ["incomprehensible"])
    }

    @Test func coloursAreForTerminals() {
        #expect(TextStyle.plain.styled("x", .red) == "x")
        #expect(TextStyle(hasColours: true, columns: 80).styled("x", .red, .bold) == "\u{1B}[31;1mx\u{1B}[0m")
    }

    @Test func tablesLineUp() {
        var table = TextTable(["A", "B"], right: [1])
        table.append(["語", "1"])
        table.append(["x", "1000"])
        #expect(table.lines(indent: 1, style: .plain) == [" A      B", " 語     1", " x   1000"])
    }

    @Test(arguments: [
        (0.0, "0 %"), (1.0, "100 %"), (0.00001, "< 0.01 %"), (0.99999, "> 99.99 %"), (0.0123, "1.23 %"),
        (0.5, "50.0 %"),
    ])
    func sharesAreNeverRoundedToAllOrNothing(share: Double, text: String) {
        #expect(NumberText.percent(share) == text)
    }

    @Test(arguments: [(999.6, "1.00ms"), (9.996, "10.0us"), (99.97, "100us"), (1e9, "1,000s"), (999_700, "1.00s")])
    func roundingKeepsThreeDigits(microseconds: Double, text: String) {
        #expect(NumberText.time(microseconds: microseconds) == text)
    }

    @Test(arguments: [(0.0, "0"), (0.028, "0.03"), (3.14, "3.1"), (160, "160")])
    func averagesKeepWhatCounts(value: Double, text: String) {
        #expect(NumberText.mean(value) == text)
    }

    @Test func whatIsNoNumberIsShownAsNone() {
        #expect(NumberText.grouped(Double.infinity) == "-")
        #expect(NumberText.grouped(1e300) == "-")
        #expect(NumberText.time(microseconds: .nan) == "-s")
        #expect(NumberText.grouped(UInt64.max) == "18,446,744,073,709,551,615")
        #expect(NumberText.grouped(Int.min) == "-9,223,372,036,854,775,808")
    }
}
