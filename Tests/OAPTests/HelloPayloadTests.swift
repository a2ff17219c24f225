import OAP
import Testing

@Suite struct HelloPayloadTests {
    static func isValid(_ payload: [UInt8]) -> Bool { HelloPayload.isValid(payload.span) }

    @Test(arguments: [
        "", "{}", #"{"ua":"sdk/0.1"}"#, #"{"ua":null}"#, #"{"ua":""}"#, #" { "ua" : "é" } "#, #"{"\u0075a":"x"}"#,
        #"{"other":[1,{"deep":[true]}],"ua":"x","other":2}"#, #"{"UA":7}"#,
        "{\"ua\":\"" + String(repeating: "x", count: 256) + "\"}",
        "{\"ua\":\"" + String(repeating: "\\u0041", count: 256) + "\"}",
        "{\"x\":" + String(repeating: "[", count: 15) + String(repeating: "]", count: 15) + "}",
    ])
    func accepts(payload: String) {
        #expect(Self.isValid(Array(payload.utf8)))
    }

    @Test(arguments: [
        " ", "null", "[]", "\"ua\"", #"{"ua":1}"#, #"{"ua":{}}"#, #"{"ua":true}"#, #"{"ua":"a","ua":"b"}"#,
        #"{"ua":null,"\u0075a":"b"}"#, #"{"ua":"a"}x"#, #"{"ua":"a""#, #"{"ua":"\ud800"}"#, #"{'ua':"a"}"#,
        #"{"x":01}"#, "{\"ua\":\"" + String(repeating: "x", count: 257) + "\"}",
        "{\"x\":" + String(repeating: "[", count: 16) + String(repeating: "]", count: 16) + "}",
    ])
    func refuses(payload: String) {
        #expect(!Self.isValid(Array(payload.utf8)))
    }

    @Test func refusesBytesThatAreNotUTF8() {
        let payload = Array(#"{"ua":"x"}"#.utf8).map { $0 == UInt8(ascii: "x") ? 0xFF : $0 }
        #expect(!Self.isValid(payload))
    }
}
