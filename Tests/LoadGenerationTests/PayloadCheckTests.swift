import GatewayTesting
import OAP
import Testing

@testable import LoadGeneration

/// What counts as the right answer.
@Suite struct PayloadCheckTests {
    private static func begins(_ payload: String, _ key: String) -> Bool {
        let bytes = Array(payload.utf8)
        let keyBytes = Array(key.utf8)
        return RecordAnswer.begins(
            bytes.span, withRecordOf: KeyFingerprint.of(keyBytes.span), keyBytes: keyBytes.count)
    }

    @Test(arguments: [
        "name:a", "name:ab", "name:abcdefghijk", "b3:0123456789abcdef0123", "name:ключ", "name:a\"b\\c\"",
    ])
    func ownRecordsAreTaken(key: String) {
        let record = String(decoding: ScriptedRecords.record(forKey: key), as: UTF8.self)
        #expect(Self.begins(record, key))
        // Every other byte in the key's place, and every cut.
        for cut in 0..<record.utf8.count {
            #expect(!Self.begins(String(decoding: Array(record.utf8).prefix(cut), as: UTF8.self), key))
        }
        for place in 8..<(8 + key.utf8.count) {
            var changed = Array(record.utf8)
            changed[place] ^= 1
            #expect(!Self.begins(String(decoding: changed, as: UTF8.self), key))
        }
    }

    @Test func otherRecordsAreNot() {
        #expect(!Self.begins(#"{"key":"name:abc","etag":"1"}"#, "name:ab"))
        #expect(!Self.begins(#"{"key":"name:a","etag":"1"}"#, "name:ab"))
        #expect(!Self.begins(#"{"kex":"name:ab","etag":"1"}"#, "name:ab"))
        #expect(!Self.begins(#"{"key":"name:ab","etag":"1"]"#, "name:ab"))
        #expect(!Self.begins("", "name:ab"))
        #expect(!Self.begins(#"{"key":"\"}"#, "name:ab"))
    }

    /// With 64 bits two of so many keys would meet once in a billion such sets.
    @Test func fingerprintsTellKeysApart() {
        var seen = Set<UInt64>()
        for number in 0..<100_000 {
            for key in ["name:k\(number)", "name:key-number-\(number)-of-many"] {
                let bytes = Array(key.utf8)
                seen.insert(KeyFingerprint.of(bytes.span))
            }
        }
        #expect(seen.count == 200_000)
    }

    @Test func listsAreComparedInOrder() {
        func fingerprint(_ json: String) -> UInt64? {
            let bytes = Array(json.utf8)
            return RecordList.fingerprint(of: bytes.span)
        }
        func wanted(_ keys: [String?]) -> UInt64 {
            keys.reduce(RecordList.fingerprintOfNone) { list, key in
                let bytes = key.map { Array($0.utf8) }
                return RecordList.fingerprint(
                    list, bytes.map { KeyFingerprint.of($0.span) } ?? RecordList.fingerprintOfAbsent)
            }
        }
        let first = #"{"key":"name:a","providers":[{"key":"no"}]}"#
        let second = #"{"etag":"1","key":"name:b\"c"}"#
        let both = "[\(first),null,\(second)]"
        #expect(fingerprint(both) == wanted(["name:a", nil, "name:b\"c"]))
        #expect(fingerprint(both) != wanted(["name:b\"c", nil, "name:a"]))
        #expect(fingerprint(both) != wanted(["name:a", "name:b\"c"]))
        #expect(fingerprint("[\(first)]") != fingerprint("[\(first),null]"))
        for broken in ["", "[", "{}", "[1]", "[{}]", #"[{"key":1}]"#, "\(both)x", "[null,]"] {
            #expect(fingerprint(broken) == nil, "\(broken)")
        }
    }

    @Test func echoesAreWholeAndTheirOwn() {
        func isEcho(_ payload: [UInt8], _ number: UInt64, _ bytes: Int) -> Bool {
            PingPayload.isEcho(payload.span, of: number, bytes: bytes)
        }
        let number: UInt64 = 0x0102_0304_0506_0708
        let payload: [UInt8] = [8, 7, 6, 5, 4, 3, 2, 1, 8, 7]
        #expect(isEcho(payload, number, 10))
        #expect(!isEcho(payload, number + 1, 10))
        #expect(!isEcho(payload, number, 9))
        var changed = payload
        changed[9] = 8
        #expect(!isEcho(changed, number, 10))
    }
}
