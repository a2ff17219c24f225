import OAP
import Testing

@Suite struct ExchangeRulesTests {
    /// All 256 combinations of the defined flags, against the page's sentences written the other way round: from a
    /// client, RESP, EVENT, REQ together with RESP or EVENT, or none of the three is `bad_sequence`.
    @Test func everyCombinationOfFlags() {
        for bits in 0..<UInt16(256) {
            let flags = FrameFlags(rawValue: bits)
            let request = bits & 1 != 0
            let response = bits & 2 != 0
            let event = bits & 4 != 0
            let start = bits & 8 != 0
            let end = bits & 16 != 0
            #expect((ExchangeRules.problem(direction: flags) == nil) == (request && !response && !event), "\(bits)")
            // Unary: REQ, REQ|END or REQ|START|END.
            #expect((ExchangeRules.problem(unary: flags) == nil) == !(start && !end), "\(bits)")
        }
    }

    /// Each sentence says what was wrong, and survives the error body unchanged.
    @Test func theSentencesNameTheProblem() {
        #expect(ExchangeRules.problem(direction: [])?.contains("one of REQ, RESP and EVENT") == true)
        #expect(ExchangeRules.problem(direction: [.request, .response])?.contains("excludes") == true)
        #expect(
            ExchangeRules.problem(direction: [.event, .acknowledgementRequested])?.contains("come from the gateway")
                == true)
        #expect(ExchangeRules.problem(unary: [.request, .start])?.contains("START needs END") == true)
        for bits in 0..<UInt16(256) {
            let flags = FrameFlags(rawValue: bits)
            for sentence in [ExchangeRules.problem(direction: flags), ExchangeRules.problem(unary: flags)] {
                guard let sentence else { continue }
                #expect(sentence.utf8.count <= 200 && sentence.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
                #expect(!sentence.contains("\"") && !sentence.contains("\\"))
            }
        }
    }

    /// The page's methods and no other.
    @Test func everyPairOfApplicationAndCode() {
        let known: [UInt32: Method] = [
            0x0000_0000: .hello, 0x0000_0001: .ping, 0x0101_0000: .resolve, 0x0101_0001: .resolveMany,
            0x0101_0010: .indexWrite, 0x0101_0011: .indexWrite,
        ]
        for application in [0, 1, 0x0100, 0x0101, 0x0102, 0xFFFF] as [UInt16] {
            for code in 0...UInt16.max {
                let found = Method.lookup(application: application, code: code)
                if let method = known[UInt32(application) << 16 | UInt32(code)] {
                    guard found == .method(method) else {
                        Issue.record("\(application)/\(code) is \(method) and was \(found)")
                        return
                    }
                } else {
                    let expected: Method.Lookup =
                        application == 0 || application == 0x0101 ? .unknownMethod : .unknownApplication
                    guard found == expected else {
                        Issue.record("\(application)/\(code) is \(expected) and was \(found)")
                        return
                    }
                }
            }
        }
    }

    @Test func whatHelloAnnouncesIsWhatIsAccepted() {
        #expect(FrameFlags.supported == 191, "every flag but COMP")
        #expect(FrameFlags.reserved == 0xFF00)
    }
}
