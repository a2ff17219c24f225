public import OAP

/// Reads records as JSON lines into an index: one transaction, all of them or none.
///
/// Blank lines are skipped. When a key comes twice the last line wins, and the count of such lines is reported; that
/// makes an append-only log of records a valid import. Memory is bounded by the chunk, 11–22 bytes a key
/// (`KeyHashSet`) and LMDB's dirty pages, of which it keeps at most 512 MiB before it writes them out.
public struct IndexImporter: Sendable {
    /// Faults that are reported before the import gives up reading.
    public static let faultsMax = 20

    /// True: the index has exactly the imported records afterwards. False: they are added to what is there.
    public let replace: Bool

    public init(replace: Bool) {
        self.replace = replace
    }

    /// One line that is no record.
    public struct LineFault: Equatable, Sendable {
        /// From 1.
        public let line: Int
        /// Bytes from 1, as editors count them in ASCII text.
        public let column: Int
        public let reason: Reason

        public enum Reason: Equatable, Sendable {
            case record(IndexRecord.Fault)
            case lineTooLong
        }
    }

    public struct Progress: Sendable {
        public let bytesRead: Int
        /// Size of the source, when it is a file.
        public let bytesTotal: Int?
        public let lines: Int
    }

    /// What an import that succeeded did. `added`, `changed` and `unchanged` compare the state before with the state
    /// after and count each key once.
    public struct Summary: Equatable, Sendable {
        /// Records read: lines that were not blank.
        public var read = 0
        public var added = 0
        public var changed = 0
        public var unchanged = 0
        /// Lines whose key came again further down, and which therefore had no effect.
        public var superseded = 0
        /// Records that were there and are not among the imported ones; only with `replace`.
        public var removed = 0
        /// Records in the index afterwards.
        public var total = 0

        public init() {}

        /// Distinct keys.
        public var imported: Int { self.added + self.changed + self.unchanged }
    }

    public enum Outcome: Equatable, Sendable {
        case imported(Summary)
        /// Nothing was changed. `isComplete` is false when reading stopped at yet another fault.
        case refused(faults: [LineFault], isComplete: Bool)
    }

    /// Imports a file. See the other `run`.
    public func run(
        fromFile file: String, into path: String, progress: (Progress) -> Void = { _ in }
    ) throws(IndexError) -> Outcome {
        let input = try InputFile(path: file)
        let byteCount = input.byteCount
        return try self.run(from: input.descriptor, named: file, into: path) { step in
            progress(Progress(bytesRead: step.bytesRead, bytesTotal: byteCount, lines: step.lines))
        }
    }

    /// Imports everything up to the end of the source.
    ///
    /// - Parameters:
    ///   - descriptor: read from, not closed; need not be seekable.
    ///   - name: the source's name in errors.
    ///   - path: the index's directory; made when missing.
    ///   - progress: called about once a chunk of 256 KiB.
    /// - Throws: when the source cannot be read or the index not be written; nothing was changed then.
    public func run(
        from descriptor: Int32, named name: String, into path: String, progress: (Progress) -> Void = { _ in }
    ) throws(IndexError) -> Outcome {
        var writer = try IndexWriter(at: path)
        let countBefore = writer.recordCount
        if self.replace { try writer.deleteAll() }

        var pass = Pass(replace: self.replace)
        var lines = LineReader(descriptor: descriptor, name: name)
        var bytesReported = 0
        while let line = try lines.next() {
            if lines.bytesRead > bytesReported {
                bytesReported = lines.bytesRead
                progress(Progress(bytesRead: bytesReported, bytesTotal: nil, lines: pass.line))
            }
            try pass.take(line, of: lines, into: &writer)
            if pass.faults.count > Self.faultsMax {
                return .refused(faults: Array(pass.faults.prefix(Self.faultsMax)), isComplete: false)
            }
        }
        guard pass.faults.isEmpty else { return .refused(faults: pass.faults, isComplete: true) }

        var summary = pass.summary
        summary.total = writer.recordCount
        if self.replace { summary.removed = countBefore - summary.changed - summary.unchanged }
        try writer.commit()
        return .imported(summary)
    }
}

/// The state of one import between two lines.
private struct Pass {
    let replace: Bool
    /// The line that was taken last, from 1.
    private(set) var line = 0
    private(set) var faults: [IndexImporter.LineFault] = []
    private(set) var summary = IndexImporter.Summary()
    private var seen = KeyHashSet()

    init(replace: Bool) {
        self.replace = replace
    }

    mutating func take(
        _ line: LineReader.Line, of lines: borrowing LineReader, into writer: inout IndexWriter
    ) throws(IndexError) {
        self.line += 1
        switch line {
        case .tooLong:
            self.faults.append(.init(line: self.line, column: 1, reason: .lineTooLong))
        case .bytes(let range):
            let json = lines.buffer.span.extracting(range)
            guard !Self.isBlank(json) else { return }
            let record: IndexRecord
            do throws(IndexRecordError) {
                record = try IndexRecord(json: json)
            } catch {
                let fault = IndexImporter.LineFault(
                    line: self.line, column: error.offset + 1, reason: .record(error.fault))
                self.faults.append(fault)
                return
            }
            // After a fault nothing will be committed; the rest is only checked.
            if self.faults.isEmpty { try self.put(record, into: &writer) }
        }
    }

    /// Stores the record, unless the index has it, and counts it by what it changes in the end.
    private mutating func put(_ record: IndexRecord, into writer: inout IndexWriter) throws(IndexError) {
        self.summary.read += 1
        let change = try writer.originalChange(by: record)
        let isFirst = self.seen.insert(record.key)
        if !isFirst, let earlier = try writer.originalChange(ofKey: record.key) {
            self.count(earlier, -1)
            self.summary.superseded += 1
        }
        self.count(change, 1)
        if change != .unchanged || self.replace || !isFirst { try writer.store(record) }
    }

    private mutating func count(_ change: IndexChange, _ step: Int) {
        switch change {
        case .added: self.summary.added += step
        case .changed: self.summary.changed += step
        case .unchanged: self.summary.unchanged += step
        }
    }

    private static func isBlank(_ line: Span<UInt8>) -> Bool {
        for index in line.indices {
            switch line[index] {
            case 0x20, 0x09, 0x0D: continue
            default: return false
            }
        }
        return true
    }
}

extension IndexImporter.LineFault.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .record(let fault): fault.description
        case .lineTooLong: "the line is longer than \(IndexLimits.lineBytesMax) bytes; a record needs 4,000 at most"
        }
    }
}
