/// Clients that are kept open together: noncopyable values fit no array, and boxes do.
public struct ClientList: ~Copyable {
    private final class Box {
        var client: RawClient
        init(_ client: consuming RawClient) { self.client = client }
    }

    private var boxes: [Box] = []

    public init() {}

    /// With it the clients stay open until the end of the scope, not only until their last use.
    deinit {}

    public var count: Int { self.boxes.count }

    public mutating func add(_ client: consuming RawClient) { self.boxes.append(Box(client)) }

    /// Runs `body` on each client, the oldest first.
    public func forEach(_ body: (inout RawClient) throws -> Void) rethrows {
        for box in self.boxes { try body(&box.client) }
    }

    /// Closes the client at `index`; the others keep their order.
    public mutating func close(at index: Int) { self.boxes.remove(at: index) }

    /// Runs `body` on the client at `index`.
    public func with<Result>(_ index: Int, _ body: (inout RawClient) throws -> Result) rethrows -> Result {
        try body(&self.boxes[index].client)
    }
}
