@testable import Gateway
import GatewayTesting
import Testing

@Suite struct TimerWheelTests {
    static let bucket = TimerWheel.bucketNanoseconds

    /// The earliest deadline that was asked for per slot, and nothing clever.
    struct NaiveTimers {
        var deadlines: [Int: UInt64] = [:]

        mutating func schedule(_ slot: Int, _ deadline: UInt64) {
            self.deadlines[slot] = min(self.deadlines[slot] ?? .max, deadline)
        }
    }

    /// Against the naive model over a long random history: no timer fires early, none more than a bucket late, none
    /// twice, and the next deadline is never later than the earliest one's bucket. Deadlines stay within the horizon.
    @Test func aRandomHistoryIsTheNaiveModels() {
        var random = SeededGenerator.fromEnvironment()
        var wheel = TimerWheel()
        var model = NaiveTimers()
        let slots = 200
        wheel.touch(slots - 1)
        var now: UInt64 = 77 * Self.bucket + 12_345
        var fired = 0
        for step in 0..<30_000 {
            let slot = Int(random.next() % UInt64(slots))
            switch random.next() % 10 {
            case 0..<5:
                let ahead = random.oneIn(2) ? random.next() % (3 * Self.bucket) : random.next() % (900 * Self.bucket)
                wheel.schedule(slot, deadlineNanoseconds: now + ahead, nowNanoseconds: now)
                model.schedule(slot, now + ahead)
            case 5:
                wheel.cancel(slot)
                model.deadlines[slot] = nil
            default:
                now += random.oneIn(40) ? random.next() % (200 * Self.bucket) : random.next() % (2 * Self.bucket)
                for _ in 0...slots {
                    guard let due = wheel.popDue(nowNanoseconds: now) else { break }
                    guard let deadline = model.deadlines.removeValue(forKey: due), deadline <= now else {
                        Issue.record("slot \(due) fired early or twice at step \(step); \(random.replay)")
                        return
                    }
                    fired += 1
                }
                guard model.deadlines.values.allSatisfy({ ($0 / Self.bucket + 1) * Self.bucket > now }) else {
                    Issue.record("a timer is more than a bucket late at step \(step); \(random.replay)")
                    return
                }
            }
            let earliest = model.deadlines.values.min().map { ($0 / Self.bucket + 1) * Self.bucket }
            guard wheel.nextDeadlineNanoseconds() == earliest else {
                Issue.record("the next deadline is wrong at step \(step); \(random.replay)")
                return
            }
        }
        #expect(fired > 1000, "\(random.replay)")
    }

    /// A deadline beyond the horizon fires at the horizon, early but never lost; its owner schedules the rest.
    @Test func beyondTheHorizonItFiresAtTheHorizon() {
        var wheel = TimerWheel()
        wheel.touch(0)
        var now: UInt64 = 5 * Self.bucket
        let deadline = now + 5000 * Self.bucket
        var hops = 0
        wheel.schedule(0, deadlineNanoseconds: deadline, nowNanoseconds: now)
        while hops < 20, let next = wheel.nextDeadlineNanoseconds() {
            #expect(next > now)
            now = next
            #expect(wheel.popDue(nowNanoseconds: now) == 0)
            guard now < deadline else { break }
            hops += 1
            wheel.schedule(0, deadlineNanoseconds: deadline, nowNanoseconds: now)
        }
        #expect(now >= deadline && now <= deadline + Self.bucket)
        #expect((4...6).contains(hops))
    }

    /// After a sleep of any length everything that is due comes, and what is scheduled next is on time.
    @Test func aLongSleepLosesNothing() {
        var wheel = TimerWheel()
        wheel.touch(999)
        let start: UInt64 = 1_000_000 * Self.bucket
        for slot in 0..<1000 {
            wheel.schedule(slot, deadlineNanoseconds: start + UInt64(slot) * Self.bucket, nowNanoseconds: start)
        }
        let now = start + 100_000 * Self.bucket
        var due: Set<Int> = []
        while let slot = wheel.popDue(nowNanoseconds: now) { due.insert(slot) }
        #expect(due.count == 1000)
        #expect(wheel.nextDeadlineNanoseconds() == nil)
        wheel.schedule(3, deadlineNanoseconds: now + 1, nowNanoseconds: now)
        #expect(wheel.popDue(nowNanoseconds: now) == nil)
        #expect(wheel.popDue(nowNanoseconds: now + Self.bucket + 1) == 3)
    }
}
