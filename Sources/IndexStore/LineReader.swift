import Glibc

/// Cuts what comes from a file descriptor into lines, in a buffer of fixed size.
struct LineReader: ~Copyable {
    enum Line {
        /// Where the line lies in `buffer`, without its newline; valid until the next call of `next`.
        case bytes(Range<Int>)
        /// More than `IndexLimits.lineBytesMax` bytes; they were passed over.
        case tooLong
    }

    private(set) var buffer: [UInt8]
    /// Bytes that came from the descriptor so far.
    private(set) var bytesRead = 0
    private let descriptor: Int32
    private let name: String
    /// What of the buffer was read and not yet given out.
    private var unread = 0..<0
    private var isAtEnd = false

    /// - Parameters:
    ///   - descriptor: read from, not closed.
    ///   - name: the file's name in errors.
    init(descriptor: Int32, name: String) {
        self.buffer = [UInt8](repeating: 0, count: IndexLimits.chunkBytes)
        self.descriptor = descriptor
        self.name = name
    }

    /// The next line, or nil after the last one. A last line without a newline counts.
    mutating func next() throws(IndexError) -> Line? {
        var isTooLong = false
        var searched = 0
        while true {
            if let newline = self.firstNewline(from: self.unread.lowerBound + searched) {
                let line = self.unread.lowerBound..<newline
                self.unread = newline + 1..<self.unread.upperBound
                return isTooLong || line.count > IndexLimits.lineBytesMax ? .tooLong : .bytes(line)
            }
            if self.isAtEnd {
                let line = self.unread
                self.unread = line.upperBound..<line.upperBound
                if isTooLong || line.count > IndexLimits.lineBytesMax { return .tooLong }
                return line.isEmpty ? nil : .bytes(line)
            }
            if self.unread.count > IndexLimits.lineBytesMax {
                isTooLong = true
                self.unread = self.unread.upperBound..<self.unread.upperBound
            }
            searched = self.unread.count
            try self.fill()
        }
    }

    private func firstNewline(from start: Int) -> Int? {
        self.buffer[start..<self.unread.upperBound].firstIndex(of: UInt8(ascii: "\n"))
    }

    /// Moves what is unread to the front and reads once behind it.
    private mutating func fill() throws(IndexError) {
        if self.unread.lowerBound > 0 {
            let kept = self.unread.count
            let old = self.unread
            unsafe self.buffer.withUnsafeMutableBytes { bytes in
                let base = bytes.baseAddress!
                unsafe memmove(base, base + old.lowerBound, kept)
            }
            self.unread = 0..<kept
        }
        let start = self.unread.upperBound
        let descriptor = self.descriptor
        while true {
            let (count, code) = unsafe self.buffer.withUnsafeMutableBytes { bytes in
                let count = unsafe read(descriptor, bytes.baseAddress! + start, bytes.count - start)
                return (count, count < 0 ? errno : 0)
            }
            if code == EINTR { continue }
            guard count >= 0 else { throw IndexError(file: self.name, "read", errno: code) }
            self.isAtEnd = count == 0
            self.bytesRead += count
            self.unread = self.unread.lowerBound..<start + count
            return
        }
    }
}
