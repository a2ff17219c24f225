/// What bounds a gateway: the answer of `GET /v1/limits`.
public struct LimitsReport: Codable, Sendable, Equatable {
    public struct Limit: Codable, Sendable, Equatable {
        public var key: String
        /// As the configuration's file would have it.
        public var value: String
        /// `default`, `FILE:LINE`, `environment NAME`, `flag --name`, or `from KEY`.
        public var from: String

        public init(key: String, value: String, from: String) {
            self.key = key
            self.value = value
            self.from = from
        }
    }

    /// `count` of something, `each` bytes (or descriptors) each.
    public struct Term: Codable, Sendable, Equatable {
        public var name: String
        public var count: Int
        /// What is counted.
        public var unit: String
        public var each: Int

        public init(name: String, count: Int, unit: String, each: Int) {
            self.name = name
            self.count = count
            self.unit = unit
            self.each = each
        }

        public var total: Int { self.count * self.each }
    }

    /// A maximum and what it is made of.
    public struct Sum: Codable, Sendable, Equatable {
        public var terms: [Term]
        /// The terms together.
        public var total: Int

        public init(terms: [Term]) {
            self.terms = terms
            self.total = terms.reduce(0) { $0 + $1.total }
        }
    }

    /// In effect, in the order of the configuration's file.
    public var limits: [Limit]
    /// Bytes of user memory that the data path takes at most; `memory_ceiling_bytes` of `/metrics`.
    public var memory: Sum
    /// Descriptors that are opened at most.
    public var descriptors: Sum
    /// Descriptors that the process may open.
    public var descriptorsMax: Int

    public init(limits: [Limit], memory: Sum, descriptors: Sum, descriptorsMax: Int) {
        self.limits = limits
        self.memory = memory
        self.descriptors = descriptors
        self.descriptorsMax = descriptorsMax
    }
}
