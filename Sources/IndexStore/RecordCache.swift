import CLMDB
import Glibc

/// Where records were found, one worker's: a lookup that hits costs two cache misses instead of a walk down the tree.
///
/// It holds addresses in LMDB's map, not records. They are those of one committed state of the index, which LMDB never
/// changes in place: an entry counts only while the reader's snapshot has the transaction number that it had when the
/// entry was made (its epoch). Any commit by anybody thus empties the cache, and costs nothing at that moment.
///
/// ```
/// set of 4 entries, 64 bytes:   | tag, length | address, epoch |  × 4
///                                  52    12       48      16  bits
/// ```
/// A tag can collide, so a hit is confirmed against the key at the start of the record's JSON. Keys that JSON escapes
/// never match there; they always take the tree.
@safe struct RecordCache: ~Copyable {
    private struct Entry {
        var tagAndLength: UInt64
        var addressAndEpoch: UInt64
    }

    private static let ways = 4
    private static let lengthMask: UInt64 = 0xFFF
    private static let addressMask: UInt64 = 0xFFFF_FFFF_FFFF
    /// `{"key":"`
    private static let prefixBytes = 8
    /// 512 KiB to 32 MiB: above two million records the rest takes the tree.
    private static let setsRange = 8192...524_288

    private var sets: UnsafeMutablePointer<Entry>
    private var setsCount: Int
    private let seed = UInt64.random(in: .min ... .max)
    /// Epoch of the current snapshot, 1 to 65,535: 0 is that of untouched entries.
    private var epoch: UInt64 = 1
    private var transaction = 0

    /// The most bytes that one takes, whatever the index.
    static var bytesMax: Int { Self.setsRange.upperBound * Self.ways * MemoryLayout<Entry>.stride }

    init(recordCount: Int) {
        self.setsCount = Self.setsCount(for: recordCount)
        unsafe self.sets = Self.allocate(self.setsCount)
    }

    deinit { unsafe free(self.sets) }

    /// The reader has a snapshot: what was found in another one does not count any more.
    mutating func begin(transaction: Int, recordCount: () -> Int) {
        guard transaction != self.transaction else { return }
        self.transaction = transaction
        self.epoch += 1
        let setsWanted = Self.setsCount(for: recordCount())
        guard setsWanted > self.setsCount || self.epoch > 0xFFFF else { return }
        unsafe free(self.sets)
        self.setsCount = max(setsWanted, self.setsCount)
        unsafe self.sets = Self.allocate(self.setsCount)
        self.epoch = 1
    }

    func hash(_ key: Span<UInt8>) -> UInt64 {
        unsafe key.withUnsafeBytes { unsafe Self.hash($0, self.seed) }
    }

    /// The record of a key, as it lies in the map, when it was found before in this snapshot.
    func record(_ key: Span<UInt8>, hash: UInt64) -> UnsafeBufferPointer<UInt8>? {
        let set = unsafe self.set(of: hash)
        for way in 0..<Self.ways {
            let entry = unsafe set[way]
            guard (entry.tagAndLength ^ hash) & ~Self.lengthMask == 0, entry.addressAndEpoch >> 48 == self.epoch,
                let start = unsafe UnsafePointer<UInt8>(bitPattern: UInt(entry.addressAndEpoch & Self.addressMask))
            else { continue }
            let record = unsafe UnsafeBufferPointer(start: start, count: Int(entry.tagAndLength & Self.lengthMask))
            if unsafe Self.isRecord(record, of: key) { return unsafe record }
        }
        return nil
    }

    /// Remembers where the record of a key lies.
    mutating func insert(_ key: Span<UInt8>, hash: UInt64, _ record: UnsafeBufferPointer<UInt8>) {
        guard let start = record.baseAddress, record.count <= Int(Self.lengthMask),
            unsafe Self.isRecord(record, of: key)
        else { return }
        let set = unsafe self.set(of: hash)
        var chosen = Int(hash >> 12) % Self.ways
        for way in 0..<Self.ways where unsafe set[way].addressAndEpoch >> 48 != self.epoch {
            chosen = way
            break
        }
        unsafe set[chosen] = Entry(
            tagAndLength: hash & ~Self.lengthMask | UInt64(record.count),
            addressAndEpoch: UInt64(UInt(bitPattern: start)) & Self.addressMask | self.epoch << 48)
    }

    private func set(of hash: UInt64) -> UnsafeMutablePointer<Entry> {
        unsafe self.sets + (Int(truncatingIfNeeded: hash >> 40) & (self.setsCount - 1)) * Self.ways
    }

    /// True when the record's first member is this key, unescaped.
    private static func isRecord(_ record: UnsafeBufferPointer<UInt8>, of key: Span<UInt8>) -> Bool {
        guard record.count > Self.prefixBytes + key.count, let start = record.baseAddress,
            unsafe start[Self.prefixBytes + key.count] == UInt8(ascii: "\"")
        else { return false }
        return unsafe key.withUnsafeBufferPointer {
            unsafe memcmp($0.baseAddress!, start + Self.prefixBytes, $0.count) == 0
        }
    }

    private static func setsCount(for recordCount: Int) -> Int {
        var sets = Self.setsRange.lowerBound
        // Half full at most, so that nearly no set overflows.
        while sets < Self.setsRange.upperBound && sets * Self.ways < recordCount * 2 { sets *= 2 }
        return sets
    }

    /// Zeroed, untouched, on huge pages where the kernel gives them: a table of small pages misses the TLB at every look.
    private static func allocate(_ setsCount: Int) -> UnsafeMutablePointer<Entry> {
        let bytes = setsCount * Self.ways * MemoryLayout<Entry>.stride
        let hugePageBytes = 2 << 20
        var memory: UnsafeMutableRawPointer? = nil
        let code = unsafe posix_memalign(&memory, bytes >= hugePageBytes ? hugePageBytes : 64, bytes)
        guard code == 0, let memory = unsafe memory else { fatalError("no memory for \(bytes) bytes of record cache") }
        if bytes >= hugePageBytes { _ = unsafe madvise(memory, bytes, MADV_HUGEPAGE) }
        unsafe memset(memory, 0, bytes)
        return unsafe memory.bindMemory(to: Entry.self, capacity: setsCount * Self.ways)
    }

    /// 16 bytes a step, multiplied to 128 bits and folded (the mixing of wyhash, Wang Yi 2019), keyed.
    private static func hash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = left.multipliedFullWidth(by: right)
            return product.high ^ product.low
        }
        func word(_ offset: Int) -> UInt64 { unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        let count = bytes.count
        var state = seed ^ 0xA076_1D64_78BD_642F
        var offset = 0
        while count - offset > 16 {
            state = mix(word(offset) ^ 0xE703_7ED1_A0B4_28DB, word(offset + 8) ^ state)
            offset += 16
        }
        if count >= 16 {
            state = mix(word(count - 16) ^ 0x8EBC_6AF0_9C88_C6E3, word(count - 8) ^ state)
        } else {
            for index in offset..<count { state = mix(state ^ UInt64(unsafe bytes[index]), 0x5899_65CC_7537_4CC3) }
        }
        return mix(state ^ UInt64(count), 0xE703_7ED1_A0B4_28DB)
    }
}
