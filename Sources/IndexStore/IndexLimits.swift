/// The store's maxima, each with its reason.
public enum IndexLimits {
    /// Bytes of address space in which LMDB maps its data file: 64 GiB, the most that an index can grow to.
    ///
    /// Every process that opens an index uses this same constant, so no writer can grow the file beyond what a reader
    /// has mapped (`MDB_MAP_RESIZED`) and nobody has to resize a map beside running transactions. It costs address
    /// space only: the file is as long as its used pages, and pages that nobody touched take no memory. 64 GiB hold
    /// some 200 million records of 250 bytes; 39-bit address spaces of small ARM machines have 512 GiB.
    public static let mapBytes = 64 << 30

    /// Slots in the table of read transactions, shared by all processes: 64 gateways of 16 workers.
    public static let readersMax = 1024

    /// The most memory that one reader takes, for its table of where records were found.
    public static var readerBytesMax: Int { RecordCache.bytesMax }

    /// Longest line of an import: the longest record, 4,000 bytes, with every byte written as `\u00XX`, and as much
    /// again of white space.
    public static let lineBytesMax = 64 << 10

    /// Read and written at once by imports and exports. At least four lines fit.
    static let chunkBytes = 256 << 10
}
