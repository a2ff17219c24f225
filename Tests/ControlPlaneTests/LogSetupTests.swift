import Foundation
import Logging
import Testing

@testable import ControlPlane

/// What happens to the process' stderr, in processes of their own.
@Suite struct LogSetupTests {
    @Test func linesOfManyThreadsArriveWholeAndAllAtExit() async throws {
        let result = try await #require(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
            LogSetup.bootstrap(format: .text, level: .info)
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                let logger = Logger(label: "test")
                for index in 0..<100 { logger.info("line", metadata: ["thread": "\(thread)", "index": "\(index)"]) }
                logger.debug("not this")
            }
            exit(0)
        }
        let lines = String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
            .filter { $0.contains(" INFO line index=") }
        #expect(lines.count == 800)
        #expect(lines.allSatisfy { $0.wholeMatch(of: #/\S+Z INFO line index=\d+ thread=\d/#) != nil })
        #expect(Set(lines.map { $0.split(separator: " ").suffix(2) }).count == 800)
    }

    @Test func aClosedStderrKillsNothing() async {
        await #expect(processExitsWith: .exitCode(7)) {
            LogSetup.bootstrap(format: .json, level: .info)
            close(2)
            for _ in 0..<10 { Logger(label: "test").info("lost") }
            LogSetup.flush(withinMilliseconds: 10_000)
            exit(LogSetup.linesDropped == 10 ? 7 : 1)
        }
    }

    @Test func aReaderThatWentAwayKillsNothing() async {
        await #expect(processExitsWith: .exitCode(7)) {
            LogSetup.bootstrap(format: .text, level: .info)
            let pipe = Pipe()
            dup2(pipe.fileHandleForWriting.fileDescriptor, 2)
            try? pipe.fileHandleForReading.close()
            for _ in 0..<10 { Logger(label: "test").info("lost") }
            LogSetup.flush(withinMilliseconds: 10_000)
            exit(LogSetup.linesDropped == 10 ? 7 : 1)
        }
    }

    @Test func aReaderThatStallsStallsNoWriterAndLearnsWhatItMissed() async throws {
        let pipe = Pipe()
        let line = String(repeating: "x", count: 999) + "\n"
        let writer = LogWriter(pipe.fileHandleForWriting, bytesWaitingMax: 100_000) { "dropped \($0)\n" }
        // The pipe takes 64 KiB, the queue 100,000 bytes; a writer that waited would be here for good.
        for _ in 0..<1000 { writer.write(line) }
        let dropped = writer.linesDropped
        #expect(dropped >= 800 && dropped < 1000)
        let reading = Task {
            try await blocking { try pipe.fileHandleForReading.readToEnd() ?? Data() }
        }
        try await blocking { writer.flush(withinMilliseconds: 10_000) }
        writer.write("last\n")
        try await blocking { writer.flush(withinMilliseconds: 10_000) }
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try await reading.value, as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.filter { $0 == line.dropLast() }.count == 1000 - Int(dropped))
        // In one report or in several, as the pipe took lines while others were being dropped.
        let reported = lines.compactMap { $0.hasPrefix("dropped ") ? UInt64($0.dropFirst(8)) : nil }
        #expect(reported.reduce(0, +) == dropped)
        #expect(lines.last == "last")
    }
}
