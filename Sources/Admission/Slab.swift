/// Fixed storage whose slots are reused under new generations. Memory of slots that were never used is not touched, so a
/// large capacity costs address space only. One thread.
///
/// Inlinable throughout: its users are other modules, and a generic that is not specialised there looks its metadata up
/// at every call.
@frozen @safe public struct Slab<Element: ~Copyable>: ~Copyable {
    public let capacity: Int
    /// Initialised exactly where the slot's state is in use.
    @usableFromInline let elements: UnsafeMutablePointer<Element>
    /// Initialised below `slotsTouched`.
    @usableFromInline let states: UnsafeMutablePointer<SlotState>
    /// Elements in it.
    @inlinable public var count: Int { self.used }
    /// One past the highest slot that was ever used: the bound for walking all of them.
    @inlinable public var slotsTouched: Int { self.touched }
    @usableFromInline var used = 0
    @usableFromInline var touched = 0
    /// Head of the free list among touched slots; -1 when it is empty.
    @usableFromInline var freeHead: Int32 = -1

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

    /// Memory of one slot.
    public static var slotBytes: Int { MemoryLayout<Element>.stride + MemoryLayout<SlotState>.stride }

    @inlinable
    public init(capacity: Int) {
        precondition(capacity > 0 && capacity <= Int(Int32.max))
        self.capacity = capacity
        unsafe self.elements = .allocate(capacity: capacity)
        unsafe self.states = .allocate(capacity: capacity)
    }

    @inlinable
    deinit {
        for slot in 0..<self.slotsTouched where unsafe self.states[slot].isUsed {
            unsafe (self.elements + slot).deinitialize(count: 1)
        }
        unsafe self.elements.deallocate()
        unsafe self.states.deallocate()
    }

    @inlinable public var isFull: Bool { self.count == self.capacity }

    /// Nil when full, and the element is dropped: ask `isFull` before making what must not be lost.
    @inlinable
    public mutating func insert(_ element: consuming Element) -> Key? {
        guard self.count < self.capacity else { return nil }
        let slot: Int
        if self.freeHead >= 0 {
            slot = Int(self.freeHead)
            self.freeHead = unsafe self.states[slot].nextFree
        } else {
            slot = self.slotsTouched
            unsafe (self.states + slot).initialize(to: SlotState())
            self.touched += 1
        }
        unsafe (self.elements + slot).initialize(to: element)
        unsafe self.states[slot].isUsed = true
        self.used += 1
        return unsafe Key(slot: UInt32(slot), generation: self.states[slot].generation)
    }

    /// True when the key names an element that is still there.
    @inlinable
    public func contains(_ key: Key) -> Bool {
        guard Int(key.slot) < self.slotsTouched else { return false }
        let state = unsafe self.states[Int(key.slot)]
        return state.isUsed && state.generation == key.generation
    }

    /// Nil when the key is stale.
    @inlinable
    public mutating func remove(_ key: Key) -> Element? {
        guard self.contains(key) else { return nil }
        let slot = Int(key.slot)
        unsafe self.states[slot] = SlotState(
            generation: (key.generation &+ 1) & SlotState.generationMask, nextFree: self.freeHead)
        self.freeHead = Int32(slot)
        self.used -= 1
        return unsafe (self.elements + slot).move()
    }

    /// The element in a slot that is known to be in use; traps otherwise.
    @inlinable
    public subscript(slot slot: Int) -> Element {
        unsafeAddress {
            precondition(self.isUsed(slot))
            return unsafe UnsafePointer(self.elements + slot)
        }
        unsafeMutableAddress {
            precondition(self.isUsed(slot))
            return unsafe self.elements + slot
        }
    }

    @inlinable
    func isUsed(_ slot: Int) -> Bool {
        guard slot >= 0 && slot < self.touched else { return false }
        return unsafe self.states[slot].isUsed
    }

    /// The current key of a slot, or nil when it is not in use.
    @inlinable
    public func key(ofSlot slot: Int) -> Key? {
        guard self.isUsed(slot) else { return nil }
        return unsafe Key(slot: UInt32(slot), generation: self.states[slot].generation)
    }
}

/// What a slab knows of a slot besides its element.
@frozen @usableFromInline
struct SlotState {
    @usableFromInline static var generationMask: UInt32 { 0xFF_FFFF }

    @usableFromInline var generation: UInt32
    @usableFromInline var nextFree: Int32
    @usableFromInline var isUsed = false

    @inlinable
    init(generation: UInt32 = 0, nextFree: Int32 = -1) {
        self.generation = generation
        self.nextFree = nextFree
    }
}
