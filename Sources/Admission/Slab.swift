/// Fixed storage whose slots are reused under new generations. Memory of slots that were never used is not touched,
/// so a large capacity costs address space only. One thread.
///
/// Inlinable throughout: its users are other modules, and a generic that is not specialised there looks its metadata
/// up at every call.
@frozen @safe public struct Slab<Element: ~Copyable>: ~Copyable {
    public let capacity: Int
    @usableFromInline var used = 0
    /// Elements in it.
    @inlinable public var count: Int { self.used }
    @usableFromInline let slots: UnsafeMutablePointer<Slot>
    /// Slots below this were used at least once and are initialised.
    @usableFromInline var touched = 0
    /// Head of the free list among touched slots; -1 when it is empty.
    @usableFromInline var freeHead: Int32 = -1

    @usableFromInline @frozen
    struct Slot: ~Copyable {
        @usableFromInline var element: Element?
        @usableFromInline var generation: UInt32 = 0
        @usableFromInline var nextFree: Int32 = -1

        @inlinable init() { self.element = nil }
    }

    /// Where an element lives; stale once it was removed.
    @frozen public struct Key: Hashable, Sendable {
        public let slot: UInt32
        /// 24 bits, so that it travels through the kernel beside the slot.
        public let generation: UInt32

        @inlinable
        public init(slot: UInt32, generation: UInt32) {
            self.slot = slot
            self.generation = generation
        }
    }

    @inlinable static var generationMask: UInt32 { 0xFF_FFFF }

    @inlinable
    public init(capacity: Int) {
        precondition(capacity > 0 && capacity <= Int(Int32.max))
        self.capacity = capacity
        unsafe self.slots = .allocate(capacity: capacity)
    }

    @inlinable
    deinit {
        unsafe self.slots.deinitialize(count: self.touched)
        unsafe self.slots.deallocate()
    }

    @inlinable
    public var isFull: Bool { self.used == self.capacity }

    /// Nil when full, and the element is dropped: ask `isFull` before making what must not be lost.
    @inlinable
    public mutating func insert(_ element: consuming Element) -> Key? {
        guard self.used < self.capacity else { return nil }
        let index: Int
        if self.freeHead >= 0 {
            index = Int(self.freeHead)
            self.freeHead = unsafe self.slots[index].nextFree
        } else {
            index = self.touched
            unsafe (self.slots + index).initialize(to: Slot())
            self.touched += 1
        }
        unsafe self.slots[index].element = consume element
        self.used += 1
        return unsafe Key(slot: UInt32(index), generation: self.slots[index].generation)
    }

    /// True when the key names an element that is still there.
    @inlinable
    public func contains(_ key: Key) -> Bool {
        guard Int(key.slot) < self.touched else { return false }
        guard unsafe self.slots[Int(key.slot)].generation == key.generation else { return false }
        return unsafe self.slots[Int(key.slot)].element != nil
    }

    /// Nil when the key is stale.
    @inlinable
    public mutating func remove(_ key: Key) -> Element? {
        guard self.contains(key) else { return nil }
        let index = Int(key.slot)
        let element = unsafe self.slots[index].element.take()
        unsafe self.slots[index].generation = (key.generation &+ 1) & Self.generationMask
        unsafe self.slots[index].nextFree = self.freeHead
        self.freeHead = Int32(index)
        self.used -= 1
        return element
    }

    /// The element in a slot that is known to be in use; traps otherwise.
    @inlinable
    public subscript(slot slot: Int) -> Element {
        _read {
            precondition(slot >= 0 && slot < self.touched)
            yield unsafe self.slots[slot].element!
        }
        _modify {
            precondition(slot >= 0 && slot < self.touched)
            yield unsafe &self.slots[slot].element!
        }
    }

    /// The current key of a slot, or nil when it is not in use.
    @inlinable
    public func key(ofSlot slot: Int) -> Key? {
        guard slot >= 0, slot < self.touched, unsafe self.slots[slot].element != nil else { return nil }
        return unsafe Key(slot: UInt32(slot), generation: self.slots[slot].generation)
    }

    /// One past the highest slot that was ever used: the bound for walking all of them.
    @inlinable
    public var slotsTouched: Int { self.touched }
}
