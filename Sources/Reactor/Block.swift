internal import CIngress

/// Output or assembly memory whose address does not move: what the kernel may read from while a send is in flight.
@safe public struct Block: ~Copyable {
    fileprivate let start: UnsafeMutablePointer<UInt8>
    public let capacity: Int
    public private(set) var count = 0
    fileprivate let sizeClass: Int

    fileprivate init(sizeClass: Int, start: UnsafeMutablePointer<UInt8>) {
        self.sizeClass = sizeClass
        self.capacity = BlockPool.bytes(ofClass: sizeClass)
        unsafe self.start = unsafe start
    }

    public var room: Int { self.capacity - self.count }

    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeStart: self.start, count: self.count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Copies `bytes` behind what is there. There must be room.
    @inline(__always)
    public mutating func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= self.room)
        let target = unsafe (self.start + self.count)
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe target.update(from: from, count: source.count)
        }
        self.count += bytes.count
    }

    /// Appends one byte. There must be room.
    public mutating func append(_ byte: UInt8) {
        precondition(self.room > 0)
        unsafe self.start[self.count] = byte
        self.count += 1
    }

    /// Makes `count` bytes part of the content and lets `body` fill them in place.
    @inline(__always)
    public mutating func extend(by count: Int, _ body: (inout MutableSpan<UInt8>) -> Void) {
        precondition(count <= self.room)
        let room = unsafe UnsafeMutableBufferPointer(start: self.start + self.count, count: count)
        // A body that leaves bytes out must not send what an earlier session left here.
        unsafe room.initialize(repeating: 0)
        var span = unsafe room.mutableSpan
        body(&span)
        self.count += count
    }

    /// Lets `body` change bytes that are already there.
    public mutating func patch(_ range: Range<Int>, _ body: (inout MutableSpan<UInt8>) -> Void) {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.count)
        let content = unsafe UnsafeMutableBufferPointer(start: self.start + range.lowerBound, count: range.count)
        var span = unsafe content.mutableSpan
        body(&span)
    }

    /// Forgets everything behind the first `count` bytes.
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.count = count
    }

    @unsafe func address(at offset: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(offset <= self.count)
        return unsafe self.start + offset
    }
}

/// Blocks of six sizes for one worker, from a budget that all workers share. Steady traffic is served from the free
/// lists; only growth reaches the allocator.
@safe public struct BlockPool: ~Copyable {
    /// 512 B, 4 KiB, 32 KiB, 256 KiB, 1 MiB + room for a header, 4 MiB: a frame of the largest size fits class 4, and
    /// an output backlog at its default maximum with one largest answer on top fits class 5.
    public static let classes: InlineArray<6, Int> = [512, 4096, 32_768, 262_144, 1_049_600, 4_194_304]
    public static var blockBytesMax: Int { Self.classes[5] }

    /// Freed blocks kept per class, so that a burst does not pin its peak for ever: 2 MiB of 4-KiB blocks at most.
    private static let keptPerClass: InlineArray<6, Int> = [4096, 512, 64, 8, 2, 1]

    /// From this class on blocks are mapped by themselves: the allocator would keep their pages after a burst, and
    /// what the budget has back would still be resident.
    private static let mappedFrom = 2

    private let budget: MemoryBudget
    private var free: InlineArray<6, FreeList>
    /// Blocks handed out and not given back.
    public private(set) var blocksUsed = 0
    /// Bytes of these.
    public private(set) var bytesUsed = 0

    /// Intrusive: a free block's first word is the next one's address.
    @safe private struct FreeList {
        private var head: UnsafeMutableRawPointer? = nil
        private(set) var count = 0

        mutating func push(_ start: UnsafeMutableRawPointer) {
            unsafe start.storeBytes(of: self.head, as: UnsafeMutableRawPointer?.self)
            unsafe self.head = unsafe start
            self.count += 1
        }

        mutating func pop() -> UnsafeMutableRawPointer? {
            guard let start = unsafe self.head else { return nil }
            unsafe self.head = unsafe start.load(as: UnsafeMutableRawPointer?.self)
            self.count -= 1
            return unsafe start
        }
    }

    public init(budget: MemoryBudget) {
        self.budget = budget
        self.free = InlineArray(repeating: FreeList())
    }

    deinit {
        for index in 0..<6 {
            var list = self.free[index]
            while let start = unsafe list.pop() { unsafe self.release(start, index) }
        }
    }

    static func bytes(ofClass index: Int) -> Int { Self.classes[index] }

    static func sizeClass(holding bytes: Int) -> Int? {
        for index in 0..<6 where Self.classes[index] >= bytes { return index }
        return nil
    }

    /// Nil when the budget is spent or no class is that large.
    public mutating func take(atLeast bytes: Int) -> Block? {
        guard let index = Self.sizeClass(holding: bytes) else { return nil }
        if let start = unsafe self.free[index].pop() {
            self.lent(index)
            return unsafe Block(sizeClass: index, start: start.assumingMemoryBound(to: UInt8.self))
        }
        guard let start = unsafe self.allocate(index) else { return nil }
        self.lent(index)
        return unsafe Block(sizeClass: index, start: start.assumingMemoryBound(to: UInt8.self))
    }

    public mutating func give(_ block: consuming Block) {
        let index = block.sizeClass
        self.blocksUsed -= 1
        self.bytesUsed -= Self.classes[index]
        assert(self.blocksUsed >= 0)
        let start = unsafe UnsafeMutableRawPointer(block.start)
        guard self.free[index].count < Self.keptPerClass[index] else {
            unsafe self.release(start, index)
            return
        }
        unsafe self.free[index].push(start)
    }

    private mutating func lent(_ index: Int) {
        self.blocksUsed += 1
        self.bytesUsed += Self.classes[index]
    }

    /// Moves `block` to one with room for `extra` more bytes; false, with the block unchanged, when there is none.
    public mutating func grow(_ block: inout Block, by extra: Int) -> Bool {
        guard var larger = self.take(atLeast: block.count + extra) else { return false }
        larger.append(block.bytes)
        swap(&block, &larger)
        self.give(larger)
        return true
    }

    /// New memory within the budget, for which free blocks of other sizes are given up if need be.
    private mutating func allocate(_ index: Int) -> UnsafeMutableRawPointer? {
        let bytes = Self.classes[index]
        let isSmall = index < Self.mappedFrom
        if !self.budget.take(bytes, isSmall: isSmall) {
            self.trim()
            guard self.budget.take(bytes, isSmall: isSmall) else { return nil }
        }
        guard !isSmall else { return .allocate(byteCount: bytes, alignment: 16) }
        guard let start = unsafe ingress_map(UInt64(bytes)) else {
            self.budget.give(bytes)
            return nil
        }
        return unsafe start
    }

    /// Gives every free block back.
    private mutating func trim() {
        for index in 0..<6 {
            while let start = unsafe self.free[index].pop() { unsafe self.release(start, index) }
        }
    }

    private func release(_ start: UnsafeMutableRawPointer, _ index: Int) {
        if index < Self.mappedFrom {
            unsafe start.deallocate()
        } else {
            unsafe ingress_unmap(start, UInt64(Self.classes[index]))
        }
        self.budget.give(Self.classes[index])
    }
}
