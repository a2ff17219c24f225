import Glibc

/// Writes all records of an index as JSON lines, sorted by key (byte for byte), from one snapshot.
public struct IndexExporter: Sendable {
    public init() {}

    /// How an export ended.
    public enum Outcome: Equatable, Sendable {
        case exported(records: Int)
        /// Whoever read the output has enough (`export | head`).
        case readerGone
    }

    /// Streams to a descriptor, which is not closed. The process must ignore SIGPIPE to see `readerGone`.
    ///
    /// - Parameters:
    ///   - name: the target's name in errors.
    ///   - progress: called with the records written, about once in 256 KiB of output.
    public func run(
        _ environment: IndexEnvironment, to descriptor: Int32, named name: String,
        progress: (_ recordsWritten: Int) -> Void = { _ in }
    ) throws(IndexError) -> Outcome {
        var reader = try environment.makeReader()
        var output = OutputBuffer(descriptor: descriptor, name: name)
        var records = 0
        try reader.forEachRecord { (_, json) throws(IndexError) in
            output.append(json)
            output.append(UInt8(ascii: "\n"))
            records += 1
            if output.isFull {
                progress(records)
                try output.flush()
            }
            return !output.readerIsGone
        }
        try output.flush()
        return output.readerIsGone ? .readerGone : .exported(records: records)
    }

    /// Writes a file that appears, or replaces an older one, only when it is whole and on the disk.
    ///
    /// - Returns: the records written.
    public func run(
        _ environment: IndexEnvironment, toFile path: String, progress: (_ recordsWritten: Int) -> Void = { _ in }
    ) throws(IndexError) -> Int {
        let file = try AtomicFile(path: path)
        switch try self.run(environment, to: file.descriptor, named: path, progress: progress) {
        case .exported(let records):
            try file.publish()
            return records
        case .readerGone:
            // Only a pipe or a socket has a reader, and the temporary file is neither.
            throw IndexError(file: path, "write", errno: EPIPE)
        }
    }
}

/// Collects output into large writes.
private struct OutputBuffer: ~Copyable {
    private let descriptor: Int32
    private let name: String
    private var bytes: [UInt8] = []
    private(set) var readerIsGone = false

    var isFull: Bool { self.bytes.count >= IndexLimits.chunkBytes }

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        self.bytes.reserveCapacity(IndexLimits.chunkBytes + IndexLimits.lineBytesMax)
    }

    mutating func append(_ span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe self.bytes.append(contentsOf: $0) }
    }

    mutating func append(_ byte: UInt8) {
        self.bytes.append(byte)
    }

    mutating func flush() throws(IndexError) {
        var start = 0
        while start < self.bytes.count && !self.readerIsGone {
            let descriptor = self.descriptor
            let (count, code) = unsafe self.bytes.withUnsafeBytes { bytes in
                let count = unsafe write(descriptor, bytes.baseAddress! + start, bytes.count - start)
                return (count, count < 0 ? errno : 0)
            }
            switch code {
            case 0: start += count
            case EINTR: continue
            case EPIPE: self.readerIsGone = true
            default: throw IndexError(file: self.name, "write", errno: code)
            }
        }
        self.bytes.removeAll(keepingCapacity: true)
    }
}
