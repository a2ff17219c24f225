public import Admission
internal import Gateway
public import Reactor

/// Everything the data path is started with.
public struct RuntimeConfiguration: Sendable {
    public var address: SocketAddress
    /// A Unix socket to listen on instead; its file is made for the process's user and group, and removed at the end.
    public var unixPath: String?
    public var workersCount: Int
    /// As at the start; `GatewayServer.adopt` changes it while the gateway serves, within the capacities below.
    public var live = LiveConfiguration()
    public var listenBacklog = 4096
    /// Where lookups are forwarded to, for `GatewayServer.startForwarding`.
    public var backend: BackendConfiguration?
    /// Bytes that output and assembly blocks of all workers may take together.
    public var bufferBytesMax = 536_870_912
    /// Descriptors that there are for client connections; 0 where that is not known.
    public var connectionDescriptorsMax = 0
    /// When the process counts as pressed.
    public var pressure = PressureThresholds()
    public var kernelLimits = KernelLimits()
    /// Optional io_uring features to use; tests clear some.
    public var uringFeatures = UringKernel.Features.all

    public init(address: SocketAddress, workersCount: Int) {
        precondition(workersCount > 0)
        self.address = address
        self.workersCount = workersCount
    }

    /// Requests that a worker has places for, open or waiting: `openMax` and the waiting room together may be raised to
    /// this while the gateway serves. Places that were never used are address space only, but for those of the forwarder.
    public var openCapacity: Int { max(self.backend == nil ? 65_536 : 16_384, self.live.policy.placesMax) }

    /// Sessions that a worker has places for: `connectionsMax` may be raised to this while the gateway serves.
    public var connectionsCapacity: Int { self.live.limits.connectionsMax }
}
