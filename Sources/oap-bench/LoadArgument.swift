public import ArgumentParser
public import LoadGeneration
import Reactor

/// Arguments whose refusal says what was expected.
enum LoadArgument {
    static func timeSpan(_ text: String) throws -> TimeSpan {
        guard let span = TimeSpan(parsing: text) else {
            throw ValidationError("It is a whole number with a unit, as 500ms, 10s or 2m, from 1ms to 1440m.")
        }
        return span
    }

    static func keyPattern(_ text: String) throws -> KeyPattern {
        guard let pattern = KeyPattern(parsing: text) else {
            throw ValidationError(
                "It has one %d, or %0Nd with N from 1 to 18 for a number of N digits, as name:key%06d.")
        }
        return pattern
    }
}

extension ExpectedStatuses: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
    public var defaultValueDescription: String { self.description }
}

extension LoopBackend.Wish: ExpressibleByArgument {}
extension Workload: ExpressibleByArgument {}
