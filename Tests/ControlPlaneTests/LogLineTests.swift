import ControlPlane
import Foundation
import Logging
import Synchronization
import Testing

@Suite struct LogLineTests {
    /// What a logger wrote, without the timestamps.
    private func lines(
        _ format: LogLineFormat, level: Logger.Level = .trace, _ body: (inout Logger) -> Void
    ) throws -> [String] {
        let sink = Sink()
        var logger = Logger(label: "test") { _ in
            LineLogHandler(format: format, level: level) { line in sink.lines.withLock { $0.append(line) } }
        }
        body(&logger)
        return try sink.lines.withLock { $0 }.map { line in
            #expect(line.hasSuffix("\n"))
            #expect(line.utf8.filter { $0 == 0x0A }.count == 1)
            let timestamp = try #require(line.firstMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#))
            return line.replacing(timestamp.output, with: "NOW").trimmingCharacters(in: .newlines)
        }
    }

    @Test func aTextLineIsTimeLevelMessageAndSortedMetadata() throws {
        let lines = try self.lines(.text) { logger in
            logger[metadataKey: "worker"] = "1"
            logger.info("ready=1", metadata: ["startup_ms": "41", "addr": "127.0.0.1:9444", "worker": "2"])
            logger.warning("", metadata: ["a": "", "b": "x y", "c": "say \"hi\"", "d": "k=v", "e": "ü🚀"])
            logger.trace("nested", metadata: ["list": ["a", "b"], "map": ["y": "1", "x": "2"]])
        }
        #expect(
            lines == [
                "NOW INFO ready=1 addr=127.0.0.1:9444 startup_ms=41 worker=2",
                "NOW WARNING a=\"\" b=\"x y\" c=\"say \\\"hi\\\"\" d=\"k=v\" e=ü🚀 worker=1",
                "NOW TRACE nested list=\"[a, b]\" map=\"{x: 2, y: 1}\" worker=1",
            ])
    }

    @Test func aJSONLineIsOneObject() throws {
        let lines = try self.lines(.json) { logger in
            logger.error(
                "a \"b\"\n\u{7}", metadata: ["ts": "mine", "n": .stringConvertible(7), "list": ["a", ["k": "v"]]])
        }
        #expect(
            lines == [
                #"{"ts":"NOW","level":"error","msg":"a \"b\"\n\u0007","list":["a",{"k":"v"}],"n":"7","ts_":"mine"}"#
            ])
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) }
    }

    @Test(arguments: LogLineFormat.allCases)
    func nothingInjectsALineOrATerminalSequence(format: LogLineFormat) throws {
        let evil = "x\r\n2026 INFO forged\u{1B}[2J\u{85}\u{9B}\u{2028}\u{2029}\u{0}\u{7F}"
        let line = try self.lines(format) { logger in
            logger.info("\(evil)", metadata: ["value": .string(evil), "\(evil)": "k", "map": [evil: .string(evil)]])
        }[0]
        #expect(
            line.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0.value >> 1 != 0x1014
            })
        if format == .json {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["value"] as? String == evil)
            #expect(object?["msg"] as? String == evil)
        }
    }

    @Test(arguments: [
        "token", "cap", "key_file", "TOKEN", "session_token", "sessionToken", "tls.key_file", "keyFile", "admin-token",
        "client_cap", "capability", "password", "Authorization", "private_key",
    ])
    func secretsAreRedactedByName(key: String) throws {
        for format in LogLineFormat.allCases {
            let line = try self.lines(format) { logger in
                logger.info("", metadata: ["\(key)": "s3cr3t", "map": ["\(key)": ["s3cr3t"]]])
            }[0]
            #expect(!line.contains("s3cr3t"))
            #expect(line.components(separatedBy: "[redacted]").count == 3)
        }
    }

    @Test(arguments: ["key", "cap_bytes", "token_count", "escape", "tokenizer", "file", "recap"])
    func otherNamesAreNot(key: String) throws {
        let line = try self.lines(.text) { $0.info("m", metadata: ["\(key)": "shown"]) }[0]
        #expect(line == "NOW INFO m \(key)=shown")
    }

    @Test(arguments: LogLineFormat.allCases)
    func aLineFitsAPipe(format: LogLineFormat) throws {
        let long = String(repeating: "ü\"\n", count: 10_000)
        let metadata = Dictionary(
            uniqueKeysWithValues: (0..<100).map { ("key\($0)", Logger.MetadataValue.string(long)) })
        let line = try self.lines(format) { logger in
            logger.info("\(long)", metadata: metadata)
        }[0]
        #expect(line.utf8.count + "2026-11-24T21:30:15.123Z".utf8.count < 4096)
        #expect(line.contains("log_omitted"))
        if format == .json {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }
    }

    @Test func levelsBelowAreNotWritten() throws {
        let lines = try self.lines(.text, level: .warning) { logger in
            logger.info("no")
            logger.warning("yes")
            logger.logLevel = .debug
            logger.debug("now")
        }
        #expect(lines == ["NOW WARNING yes", "NOW DEBUG now"])
    }

    @Test func anErrorIsMetadata() throws {
        let lines = try self.lines(.text) { logger in
            logger.error("failed", error: AdminServerError.notBound, metadata: nil)
        }
        #expect(lines[0].hasPrefix("NOW ERROR failed error=\"admin server: run needs"))
    }

    private final class Sink: Sendable {
        let lines = Mutex<[String]>([])
    }
}
