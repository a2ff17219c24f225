internal import Reactor

/// What one loop, and then all of them, needed for the measured part of the schedule, and what it kept in flight.
struct LoopAccount: Sendable {
    /// Of all loops together, as is the next one.
    private(set) var elapsedNanoseconds: UInt64 = 0
    private(set) var runningNanoseconds: UInt64 = 0
    /// Of the busiest loop: running, and running or waiting for a processor; 0 to 1.
    private(set) var runningShareMax = 0.0
    private(set) var wantedShareMax = 0.0
    /// Waiting for a processor, of the loop that waited most; 0 to 1.
    private(set) var waitingShareMax = 0.0
    /// Of the whole process until the last answer; kept by one of the loops.
    var processorTime = ProcessorTime(userMicroseconds: 0, systemMicroseconds: 0)
    /// Requests in flight, weighted with their time.
    private(set) var inFlightMean = 0.0
    /// Of several loops the sum of what each had at most, at whatever moment: together they had no more.
    private(set) var inFlightMax = 0
    /// Time in which a request was due and no slot was free.
    var blockedNanoseconds: UInt64 = 0
    /// Requests that were due by the end of the schedule and not sent by then.
    var backlog: UInt64 = 0
    private var inFlightArea = 0.0

    mutating func inFlight(_ count: Int, forNanoseconds nanoseconds: UInt64) {
        self.inFlightArea += Double(count) * Double(nanoseconds)
        self.inFlightMax = max(self.inFlightMax, count)
    }

    /// The measured part of the schedule is over.
    mutating func close(elapsedNanoseconds: UInt64, thread: ThreadTime) {
        guard elapsedNanoseconds > 0 else { return }
        let elapsed = Double(elapsedNanoseconds)
        self.elapsedNanoseconds = elapsedNanoseconds
        self.runningNanoseconds = thread.runningNanoseconds
        self.runningShareMax = Double(thread.runningNanoseconds) / elapsed
        self.wantedShareMax = Double(thread.runningNanoseconds + thread.waitingNanoseconds) / elapsed
        self.waitingShareMax = Double(thread.waitingNanoseconds) / elapsed
        self.inFlightMean = self.inFlightArea / elapsed
    }

    mutating func add(_ other: LoopAccount) {
        self.elapsedNanoseconds += other.elapsedNanoseconds
        self.runningNanoseconds += other.runningNanoseconds
        self.runningShareMax = max(self.runningShareMax, other.runningShareMax)
        self.wantedShareMax = max(self.wantedShareMax, other.wantedShareMax)
        self.waitingShareMax = max(self.waitingShareMax, other.waitingShareMax)
        self.processorTime = ProcessorTime(
            userMicroseconds: self.processorTime.userMicroseconds + other.processorTime.userMicroseconds,
            systemMicroseconds: self.processorTime.systemMicroseconds + other.processorTime.systemMicroseconds)
        self.inFlightMean += other.inFlightMean
        self.inFlightMax += other.inFlightMax
        self.blockedNanoseconds += other.blockedNanoseconds
        self.backlog += other.backlog
    }

    /// Share of the measured time in which requests waited for a free slot, 0 to 1.
    var blockedShare: Double {
        self.elapsedNanoseconds > 0 ? Double(self.blockedNanoseconds) / Double(self.elapsedNanoseconds) : 0
    }

    /// Processor time of the loops over elapsed time, 0 to 1.
    var runningShare: Double {
        self.elapsedNanoseconds > 0 ? Double(self.runningNanoseconds) / Double(self.elapsedNanoseconds) : 0
    }
}
