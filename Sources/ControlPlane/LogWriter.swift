import Dispatch
import Foundation
import Synchronization

/// Brings lines to a descriptor, one `write` each, in the order in which they came.
///
/// The caller never waits: a line goes into a bounded queue that one thread of its own empties. A reader of stderr
/// that stalls therefore stalls no worker; lines beyond the bound are dropped and counted, and the next line that
/// gets through is preceded by one that says how many. A descriptor that is closed or broken costs the line, not the
/// process.
final class LogWriter: Sendable {
    private struct State {
        var bytesWaiting = 0
        /// Dropped since the last line that reported it.
        var droppedUnreported: UInt64 = 0
        var dropped: UInt64 = 0
    }

    private let handle: FileHandle
    private let bytesWaitingMax: Int
    /// Makes the line that reports dropped ones.
    private let dropReport: @Sendable (UInt64) -> String
    private let queue = DispatchQueue(label: "log-writer")
    private let state = Mutex(State())

    /// - Parameter bytesWaitingMax: what may wait for a slow reader; 1 MiB holds thousands of lines.
    init(
        _ handle: FileHandle, bytesWaitingMax: Int = 1 << 20, dropReport: @escaping @Sendable (UInt64) -> String
    ) {
        self.handle = handle
        self.bytesWaitingMax = bytesWaitingMax
        self.dropReport = dropReport
    }

    /// Lines lost since start.
    var linesDropped: UInt64 { self.state.withLock { $0.dropped } }

    /// Any thread. `line` ends in its newline.
    func write(_ line: String) {
        let bytes = line.utf8.count
        // Enqueued under the lock, so that the order of lines is the order in which the bound was passed.
        self.state.withLock { state in
            guard state.bytesWaiting + bytes <= self.bytesWaitingMax else {
                state.dropped += 1
                state.droppedUnreported += 1
                return
            }
            state.bytesWaiting += bytes
            self.queue.async { self.writeWaiting(line) }
        }
    }

    /// Waits until every line that was written before has left, or the time is over.
    func flush(withinMilliseconds milliseconds: Int) {
        let emptied = DispatchSemaphore(value: 0)
        self.queue.async { emptied.signal() }
        _ = emptied.wait(timeout: .now() + .milliseconds(milliseconds))
    }

    private func writeWaiting(_ line: String) {
        let unreported = self.state.withLock { state in
            defer { state.droppedUnreported = 0 }
            return state.droppedUnreported
        }
        if unreported > 0 { _ = self.writeNow(self.dropReport(unreported)) }
        let written = self.writeNow(line)
        self.state.withLock { state in
            state.bytesWaiting -= line.utf8.count
            if !written { state.dropped += 1 }
        }
    }

    private func writeNow(_ line: String) -> Bool {
        // Whoever gave us stderr may have made it non-blocking. A full pipe takes a line of this size whole or not at
        // all, so trying again repeats nothing.
        for _ in 0..<100 {
            do {
                try self.handle.write(contentsOf: Data(line.utf8))
                return true
            } catch {
                guard Self.isFull(error) else { return false }
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
        return false
    }

    private static func isFull(_ error: any Error) -> Bool {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
        return underlying.domain == NSPOSIXErrorDomain && underlying.code == Int(EAGAIN)
    }
}
