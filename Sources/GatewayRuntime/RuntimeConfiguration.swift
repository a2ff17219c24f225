public import Admission
public import Gateway
internal import IndexStore
public import Reactor

/// Everything the data path is started with.
public struct RuntimeConfiguration: Sendable {
    public var address: SocketAddress
    public var workersCount: Int
    public var limits = GatewayLimits()
    public var openMax = 1024
    public var inflightPerConnectionMax = 64
    public var listenBacklog = 4096
    /// Bytes that output and assembly blocks of all workers may take together.
    public var bufferBytesMax = 536_870_912
    public var kernelLimits = KernelLimits()
    public var connectionRate: TokenRate? = nil
    public var tenantRate: TokenRate? = nil
    public var globalRate: TokenRate? = nil
    /// Whether each refused request becomes an event (for debug logs); costs a call per refusal.
    public var tellsRefusals = false
    /// Optional io_uring features to use; tests clear some.
    public var uringFeatures = UringKernel.Features.all

    public init(address: SocketAddress, workersCount: Int) {
        precondition(workersCount > 0)
        self.address = address
        self.workersCount = workersCount
    }

    /// Bytes per session: its slots in the worker's tables, without buffers.
    public static let sessionBytes = 512

    /// The most user memory that the data path takes: every session's slots, per worker its receive buffers, its table
    /// of open requests and its reader of the index, and the budget of blocks.
    public var memoryCeilingBytes: Int {
        let receiveBytes = self.kernelLimits.bufferBytes * self.kernelLimits.buffersCount
        let openBytes = self.openMax * Slab<OpenRequest>.slotBytes
        return self.limits.connectionsMax * Self.sessionBytes
            + self.workersCount * (receiveBytes + openBytes + IndexLimits.readerBytesMax) + self.bufferBytesMax
    }
}
