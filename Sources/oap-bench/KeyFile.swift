import Foundation
import LoadGeneration
import OAP
import Reactor
import Terminal

/// A file of keys: one a line, or JSON records with a member `key`, as `ronctl index export` writes them.
enum KeyFile {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func read(_ path: String) throws(Failure) -> KeySet {
        let file: FileHandle
        do { file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) } catch {
            throw Failure(description: "\(path): cannot be read: \(ToolConsole.reason(of: error))")
        }
        var reader = Reader(path: path)
        while true {
            let chunk: Data?
            do { chunk = try file.read(upToCount: 1 << 20) } catch {
                throw Failure(description: "\(path): cannot be read: \(ToolConsole.reason(of: error))")
            }
            guard let chunk, !chunk.isEmpty else { break }
            try reader.take([UInt8](chunk))
        }
        return try reader.finish()
    }

    /// Splits chunks into lines.
    private struct Reader {
        /// A record has at most 4,000 bytes of canonical JSON; people may write it with white space.
        private static let lineBytesMax = 65_536

        let path: String
        private var keys = KeySet()
        private var partial: [UInt8] = []
        private var line = 0

        init(path: String) { self.path = path }

        mutating func take(_ chunk: [UInt8]) throws(Failure) {
            var start = 0
            while let end = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) {
                self.partial.append(contentsOf: chunk[start..<end])
                try self.endLine()
                start = end + 1
            }
            self.partial.append(contentsOf: chunk[start...])
            guard self.partial.count <= Self.lineBytesMax else {
                throw self.failure(at: 1, "the line is longer than \(Self.lineBytesMax) bytes", line: self.line + 1)
            }
        }

        mutating func finish() throws(Failure) -> KeySet {
            try self.endLine()
            guard self.keys.count > 0 else { throw Failure(description: "\(self.path): has no keys in it") }
            return self.keys
        }

        private mutating func endLine() throws(Failure) {
            self.line += 1
            var text: [UInt8] = []
            // Taken out of self, since a span of what is there would exclude the keys; its storage returns.
            swap(&text, &self.partial)
            defer {
                text.removeAll(keepingCapacity: true)
                swap(&text, &self.partial)
            }
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
            guard let first = text.first else { return }
            guard first == UInt8(ascii: "{") else { return try self.append(text.span) }
            var key = InlineArray<511, UInt8>(repeating: 0)
            var output = key.mutableSpan
            let count = try self.copyKey(ofRecord: text.span, into: &output)
            try self.append(output.span.extracting(0..<count))
        }

        private mutating func append(_ key: Span<UInt8>) throws(Failure) {
            do throws(KeySet.Fault) { try self.keys.append(key) } catch {
                throw self.failure(at: 1, error.description, line: self.line)
            }
        }

        /// Returns the key's size in bytes.
        @_lifetime(key: copy key)
        private func copyKey(ofRecord text: Span<UInt8>, into key: inout MutableSpan<UInt8>) throws(Failure) -> Int {
            var count: Int? = nil
            do throws(JSONError) {
                var reader = try JSONReader(text)
                try reader.beginObject()
                while let name = try reader.nextMember() {
                    guard reader.matches(name, "key"), try reader.nextKind() == .string else {
                        try reader.skipValue()
                        continue
                    }
                    let value = try reader.readString()
                    count = value.valueBytes
                    if value.valueBytes <= key.count { _ = reader.copyValue(of: value, into: &key) }
                }
                try reader.end()
            } catch {
                throw self.failure(at: error.offset + 1, "\(error.reason)", line: self.line)
            }
            guard let count else { throw self.failure(at: 1, "the record has no member \"key\"", line: self.line) }
            guard count <= key.count else {
                throw self.failure(at: 1, IndexKey.Fault.tooLong.message, line: self.line)
            }
            return count
        }

        private func failure(at column: Int, _ reason: String, line: Int) -> Failure {
            Failure(description: "\(self.path):\(line):\(column): \(reason)")
        }
    }
}
