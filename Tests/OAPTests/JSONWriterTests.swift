import OAP
import Testing

@Suite struct JSONWriterTests {
    @Test func everyScalarBelow0x180AndSomeAboveReadsBack() throws {
        var text = ""
        for value in UInt32(0)..<0x180 { text.unicodeScalars.append(Unicode.Scalar(value)!) }
        text += "\u{2028}🙂\u{10FFFF}"
        var writer = JSONWriter()
        writer.string(text)
        let bytes = writer.bytes
        var reader = try JSONReader(bytes.span)
        let string = try reader.readString()
        try reader.end()
        #expect(reader.text(of: string).utf8.elementsEqual(text.utf8))
    }

    @Test func escapesOnlyWhatMustBe() {
        var writer = JSONWriter()
        writer.string("a\"\\/\n\u{1}\u{1F}\u{7F}é")
        writer.string(Array("é\t".utf8).span)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\"a\\\"\\\\/\\n\\u0001\\u001f\u{7F}é\"\"é\\t\"")
    }

    @Test func numbersAreShortest() {
        var writer = JSONWriter()
        for value in [0.5, 1.0, 0.1, 1e-7] {
            writer.number(value)
            writer.raw(" ")
        }
        writer.number(UInt64.max)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "0.5 1.0 0.1 1e-07 18446744073709551615")
        writer.removeAll()
        #expect(writer.bytes.isEmpty)
    }
}
