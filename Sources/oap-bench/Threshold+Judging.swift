import LoadReport

extension Threshold {
    /// What every search for a rate holds, unless it says something else about errors.
    static let fewErrorsText = "errors<0.1%"

    /// True when it says how many errors are allowed.
    var isAboutErrors: Bool { self.metric == .errors }

    /// True when a generator that is late makes it harder to hold and never easier.
    var suffersFromDelay: Bool {
        switch (self.metric, self.relation) {
        case (.rate, .greater), (.rate, .greaterOrEqual): true
        case (.rate, .less), (.rate, .lessOrEqual), (_, .greater), (_, .greaterOrEqual): false
        case (_, .less), (_, .lessOrEqual): true
        }
    }
}
