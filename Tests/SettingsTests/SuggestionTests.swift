import Testing

@testable import Settings

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("", "", 0), ("abc", "", 3), ("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3),
        ("oap_concurency", "oap_concurrency", 1), ("ca", "abc", 3),
    ])
    func distances(from: String, to: String, distance: Int) {
        #expect(Suggestion.distance(Array(from.utf8), Array(to.utf8)) == distance)
        #expect(Suggestion.distance(Array(to.utf8), Array(from.utf8)) == distance)
    }

    @Test func nearest() {
        let words = ["oap_addr", "metrics_addr", "io"]
        #expect(Suggestion.nearest(to: "oap-addr", among: words) == "oap_addr")
        #expect(Suggestion.nearest(to: "OAP_ADRR", among: words) == "oap_addr")
        #expect(Suggestion.nearest(to: "oi", among: words) == "io")
        #expect(Suggestion.nearest(to: "banana", among: words) == nil)
        #expect(Suggestion.nearest(to: String(repeating: "a", count: 1 << 20), among: words) == nil)
    }

    @Test func quoting() {
        #expect("a\"b\\c\u{1B}[2J\n\u{202E}é".quoted == "\"a\\\"b\\\\c\\u{1b}[2J\\u{a}\\u{202e}é\"")
        #expect(String(repeating: "x", count: 81).quoted == "\"" + String(repeating: "x", count: 80) + "…\"")
    }
}
