internal import Admission
public import Forwarding
internal import OAP
public import Reactor

/// Where lookups are forwarded to.
public struct BackendConfiguration: Equatable, Sendable {
    /// 1 to 64, of the same service.
    public var endpoints: [EndpointAddress]
    /// Of each worker's forwarder, but for `exchangesMax`, which follows `RuntimeConfiguration.openCapacity`.
    public var settings = ForwardingSettings()

    public init(endpoints: [EndpointAddress]) { self.endpoints = endpoints }

    /// Descriptors of one worker at most: a connection that drains has a successor at once, and each of them may end while the
    /// next is open.
    public var linksMax: Int { self.endpoints.count * 4 * self.settings.connectionsPerEndpoint }
}

/// A worker's connections to its backend, and the forwarder that orders them.
///
/// Links are kept in a slab of their own: one that ends stays until nothing of it is in flight, while its successor is open
/// already.
struct BackendLinks: ~Copyable {
    typealias Key = Slab<BackendLink>.Key

    /// Of a token's slot: a link, and no session.
    static let tokenBit: UInt32 = 1 << 30

    let endpoints: [EndpointAddress]
    let decoder = FrameDecoder()
    var forwarder: Forwarder
    var links: Slab<BackendLink>
    /// Links to send from at the end of the turn, links whose receive has to be armed again, and links that end.
    var dirty: [UInt32] = []
    var rearm: [UInt32] = []
    var ended: [UInt32] = []
    /// What is to be sent later and does not fit the forwarder's places, by tag.
    var bodies: [UInt64: [UInt8]] = [:]
    private var bodiesBytes = 0
    /// By endpoint, why its last connection failed or was lost; nil once one is ready.
    private var troubles: [String?]
    /// True from the telling that there is no connection left to the telling that there is one again.
    var isOut = false
    /// By `ConnectionKey.index`, which link it is now.
    private var current: [Key?]

    private static let bodiesBytesMax = 4 << 20
    /// Bytes that a link has to send, above which further requests wait. With the longest frame on top they fit a block.
    private static let backlogBytesMax = 1 << 20

    init(_ configuration: BackendConfiguration, exchangesMax: Int, frameBytesMax: Int, seed: UInt64) {
        self.endpoints = configuration.endpoints
        self.troubles = Array(repeating: nil, count: configuration.endpoints.count)
        self.forwarder = Forwarder(
            settings: Self.settings(configuration, exchangesMax, frameBytesMax: frameBytesMax),
            endpoints: configuration.endpoints.count, seed: seed)
        self.links = Slab(capacity: configuration.linksMax)
        self.current = Array(repeating: nil, count: configuration.linksMax / 2)
    }

    private static func settings(
        _ configuration: BackendConfiguration, _ exchangesMax: Int, frameBytesMax: Int = FrameHeader.frameBytesMax
    ) -> ForwardingSettings {
        var settings = configuration.settings
        settings.frameBytesMax = frameBytesMax
        settings.exchangesMax = min(exchangesMax, ForwardingSettings.exchangesMaxLargest)
        return settings
    }

    /// The most memory that one takes, output and split frames apart.
    static func bytes(_ configuration: BackendConfiguration, exchangesMax: Int) -> Int {
        Forwarder.bytesMax(Self.settings(configuration, exchangesMax)) + Self.bodiesBytesMax
    }

    /// The slot of the link that the forwarder means; nil when it has ended.
    func slot(of key: ConnectionKey) -> Int? {
        guard let link = self.current[Int(key.index)], self.links.contains(link),
            self.links[slot: Int(link.slot)].key == key, !self.links[slot: Int(link.slot)].isEnding
        else { return nil }
        return Int(link.slot)
    }

    /// The slot that a completion's token names.
    func slot(of token: Token) -> Int {
        let slot = token.slot & ~Self.tokenBit
        guard self.links.contains(Key(slot: slot, generation: token.generation)) else {
            preconditionFailure("a completion for a link that is gone")
        }
        return Int(slot)
    }

    func token(_ slot: Int) -> Token {
        guard let key = self.links.key(ofSlot: slot) else { preconditionFailure("a token of a link that is gone") }
        return Token(slot: key.slot | Self.tokenBit, generation: key.generation)
    }

    /// Appends a frame to the link's output. False when there is no memory for it.
    mutating func append(_ slot: Int, _ header: FrameHeader, _ body: Span<UInt8>, to pool: inout BlockPool) -> Bool {
        guard let block = self.output(slot, room: FrameHeader.byteCount + body.count, &pool) else { return false }
        var output = consume block
        output.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
        output.append(body)
        self.links[slot: slot].filling = consume output
        self.clogOrClear(slot)
        self.markDirty(slot)
        return true
    }

    /// Lets requests wait while the link has enough to send, and no longer.
    mutating func clogOrClear(_ slot: Int) {
        let isClogged = self.links[slot: slot].backlogBytes > Self.backlogBytesMax
        guard isClogged != self.links[slot: slot].isClogged else { return }
        self.links[slot: slot].isClogged = isClogged
        self.forwarder.setClogged(self.links[slot: slot].key, isClogged)
    }

    mutating func markDirty(_ slot: Int) {
        if !self.links[slot: slot].isDirty {
            self.links[slot: slot].isDirty = true
            self.dirty.append(UInt32(slot))
        }
    }

    private mutating func output(_ slot: Int, room: Int, _ pool: inout BlockPool) -> Block? {
        guard let block = self.links[slot: slot].filling.take() else { return pool.take(atLeast: room) }
        var filling = consume block
        if filling.room >= room || pool.grow(&filling, by: room) { return filling }
        self.links[slot: slot].filling = consume filling
        return nil
    }

    /// Opens a connection that was ordered; nil and the failure when that is known at once.
    mutating func open(_ key: ConnectionKey, endpoint: Int, nonBlocking: Bool) throws(SystemError) -> Int {
        let descriptor = try Connector.begin(to: self.endpoints[endpoint], nonBlocking: nonBlocking)
        let link = self.links.insert(BackendLink(key: key, endpoint: endpoint, descriptor: descriptor))
        // The forwarder has so many connections at most, and as many may be about to end; more are opened later.
        guard let link else {
            Connector.close(descriptor)
            throw SystemError(call: "connect", code: ErrnoCode.noBuffers, subject: "\(self.endpoints[endpoint])")
        }
        self.current[Int(key.index)] = link
        return Int(link.slot)
    }

    /// Keeps a body that the forwarder has no place for. False when there are too many.
    mutating func keep(_ body: Span<UInt8>, of tag: UInt64) -> Bool {
        guard self.bodiesBytes + body.count <= Self.bodiesBytesMax else { return false }
        self.bodiesBytes += body.count
        var copy: [UInt8] = []
        copy.assign(body)
        self.bodies[tag] = copy
        return true
    }

    mutating func takeBody(of tag: UInt64) -> [UInt8]? {
        guard let body = self.bodies.removeValue(forKey: tag) else { return nil }
        self.bodiesBytes -= body.count
        return body
    }

    /// False when that was known already.
    mutating func note(_ why: String, endpoint: Int) -> Bool {
        defer { self.troubles[endpoint] = why }
        return self.troubles[endpoint] != why
    }

    mutating func recovered() {
        for endpoint in self.troubles.indices { self.troubles[endpoint] = nil }
        self.isOut = false
    }

    /// Why no request can be sent now; nil while one can.
    var trouble: String? {
        if self.forwarder.readyCount == 0 {
            let known = self.troubles.compactMap(\.self)
            return known.isEmpty ? "connecting" : known.joined(separator: "; ")
        }
        return self.forwarder.hasEndpoint
            ? nil : "left out for failures in a row: \(self.endpoints.map(\.description).joined(separator: ", "))"
    }
}
