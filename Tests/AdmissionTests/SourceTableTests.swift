@testable import Admission
import GatewayTesting
import Testing

@Suite struct SourceTableTests {
    static let second: UInt64 = 1_000_000_000

    static func handshakes(_ tokensPerSecond: Double, burst: Int) -> SourceLimits {
        SourceLimits(handshakes: TokenRate(tokensPerSecond: tokensPerSecond, burst: burst))
    }

    /// The seat, or nil when the connection is refused.
    private static func seat(_ decision: SourceDecision) -> SourceSeat? {
        switch decision {
        case .accepted(let seat): seat
        case .refused: nil
        }
    }

    @Test func connectionsAreCountedByAddress() throws {
        let table = SourceTable(addressesMax: 64, seed: 1)
        let limits = SourceLimits(connectionsMax: 2)
        let first = try #require(Self.seat(table.connect(1 << 64, limits, nowNanoseconds: 1)))
        #expect(Self.seat(table.connect(1 << 64, limits, nowNanoseconds: 1)) != nil)
        #expect(table.connect(1 << 64, limits, nowNanoseconds: 1) == .refused(.tooManyConnections))
        #expect(Self.seat(table.connect(2 << 64, limits, nowNanoseconds: 1)) != nil)
        #expect(table.openCount(1 << 64) == 2)
        table.disconnected(first)
        #expect(table.openCount(1 << 64) == 1)
        #expect(Self.seat(table.connect(1 << 64, limits, nowNanoseconds: 1)) != nil)
        #expect(table.connect(1 << 64, limits, nowNanoseconds: 1) == .refused(.tooManyConnections))
    }

    /// IPv4 by address, IPv6 by network.
    @Test func whatIsOneSource() {
        let mapped: UInt128 = 0xFFFF_0000_0000
        #expect(SourceTable.source(of: mapped | 0x7F00_0001) != SourceTable.source(of: mapped | 0x7F00_0002))
        let network = UInt128(0x2001_0DB8_0000_0001) << 64
        #expect(SourceTable.source(of: network | 1) == SourceTable.source(of: network | 0xFFFF_FFFF_FFFF))
        #expect(SourceTable.source(of: network) != SourceTable.source(of: network + 1 << 64))
    }

    /// A refused handshake takes no connection, and a refused connection no handshake.
    @Test func aRefusalTakesNothing() {
        let table = SourceTable(addressesMax: 64, seed: 1)
        let rate = TokenRate(tokensPerSecond: 1, burst: 3)
        let limits = SourceLimits(connectionsMax: 2, handshakes: rate)
        let now = 100 * Self.second
        let first = Self.seat(table.connect(5 << 64, limits, nowNanoseconds: now)) ?? .none
        #expect(Self.seat(table.connect(5 << 64, limits, nowNanoseconds: now)) != nil)
        for _ in 0..<5 { #expect(table.connect(5 << 64, limits, nowNanoseconds: now) == .refused(.tooManyConnections)) }
        table.disconnected(first)
        let third = Self.seat(table.connect(5 << 64, limits, nowNanoseconds: now)) ?? .none
        #expect(third != .none, "the third token was still there")
        table.disconnected(third)
        let spent = table.connect(5 << 64, limits, nowNanoseconds: now)
        #expect(spent == .refused(.handshakeQuota(retryAfterNanoseconds: Self.second)))
        #expect(table.openCount(5 << 64) == 1)
        #expect(Self.seat(table.connect(5 << 64, limits, nowNanoseconds: now + Self.second)) != nil)
    }

    /// With all cells in use nobody is refused for what others have open, and inventing addresses grants no handshakes.
    @Test func aFullSetRefusesNobodyForOthers() {
        let table = SourceTable(addressesMax: 8, seed: 1)
        let open = SourceLimits(connectionsMax: 1)
        for address in 0..<8 {
            #expect(Self.seat(table.connect(UInt128(address) << 64, open, nowNanoseconds: 1)) != SourceSeat.none)
        }
        for address in 100..<200 {
            #expect(table.connect(UInt128(address) << 64, open, nowNanoseconds: 1) == .accepted(.none))
        }
        for address in 0..<8 {
            #expect(table.connect(UInt128(address) << 64, open, nowNanoseconds: 1) == .refused(.tooManyConnections))
        }
        let limits = Self.handshakes(1, burst: 4)
        let accepted = (1000..<2000).count {
            Self.seat(table.connect(UInt128($0) << 64, limits, nowNanoseconds: 100 * Self.second)) != nil
        }
        #expect(accepted == 4, "one shared burst")
    }

    /// Over a long random history of a tiny table: counts are those of a dictionary, and handshakes keep to their rate.
    @Test func aRandomHistoryIsADictionarys() {
        var random = SeededGenerator.fromEnvironment()
        let rate = TokenRate(tokensPerSecond: 4, burst: 3)
        let limits = SourceLimits(connectionsMax: 3, handshakes: rate)
        let table = SourceTable(addressesMax: 8, seed: 2)
        var seats: [(address: UInt128, seat: SourceSeat)] = []
        var counted: [UInt128: Int] = [:]
        var windows: [UInt128: WindowBound] = [:]
        var now = 1000 * Self.second
        for step in 0..<30_000 {
            now += random.next() % (Self.second / 10)
            if random.oneIn(2), !seats.isEmpty {
                let (address, seat) = seats.remove(at: Int(random.next() % UInt64(seats.count)))
                if seat != .none { counted[address, default: 0] -= 1 }
                table.disconnected(seat)
            } else {
                let address = UInt128(random.next() % 40) << 64
                guard let seat = Self.seat(table.connect(address, limits, nowNanoseconds: now)) else { continue }
                if seat != .none { counted[address, default: 0] += 1 }
                seats.append((address, seat))
                let isWithin = windows[address, default: WindowBound(rate)].admit(1, at: now)
                #expect(isWithin, "\(random.replay)")
            }
            guard counted.allSatisfy({ $0.value <= 3 && table.openCount($0.key) == $0.value }) else {
                Issue.record("the counts differ after \(step) steps; \(random.replay)")
                return
            }
        }
        #expect(windows.count == 40)
    }

    /// Two threads connect and disconnect the same few addresses: what each has open is counted to the last one.
    @Test func countsAreExactAcrossThreads() async {
        let table = SourceTable(addressesMax: 8, seed: 3)
        let limits = SourceLimits(connectionsMax: 5)
        let open = await withTaskGroup(of: [UInt128: Int].self) { group in
            for worker in 0..<2 {
                group.addTask {
                    var random = SeededGenerator(seed: UInt64(worker))
                    var seats: [UInt128: [SourceSeat]] = [:]
                    for _ in 0..<50_000 {
                        let address = UInt128(random.next() % 12) << 64
                        if random.oneIn(2), let seat = seats[address]?.popLast() {
                            table.disconnected(seat)
                        } else if let seat = Self.seat(table.connect(address, limits, nowNanoseconds: 1)) {
                            if seat != .none { seats[address, default: []].append(seat) }
                        }
                    }
                    return seats.mapValues(\.count)
                }
            }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        #expect(open.values.reduce(0, +) > 0)
        for address in 0..<12 {
            let count = open[UInt128(address) << 64] ?? 0
            #expect(table.openCount(UInt128(address) << 64) == count && count <= 5)
        }
    }
}
