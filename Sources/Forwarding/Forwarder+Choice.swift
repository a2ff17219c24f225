/// Which connection a request goes to.
extension Forwarder {
    /// The connection with the least load of the better of two endpoints that are chosen at random among those that
    /// take requests; nil when none does.
    ///
    /// Two choices come close to the least of all, and unlike that do not send every worker's requests to the same
    /// endpoint at once. What was given up counts as load: an endpoint that does not answer would otherwise look
    /// idle.
    mutating func chooseConnection() -> Int? {
        var usable = 0
        for endpoint in self.endpoints.indices where self.isUsable(endpoint) { usable += 1 }
        guard usable > 0 else { return nil }
        guard usable > 1 else {
            guard let only = self.usableEndpoint(0) else { return nil }
            return self.leastLoaded(of: only)
        }
        let first = self.random.next(below: UInt64(usable))
        var second = self.random.next(below: UInt64(usable - 1))
        if second >= first { second += 1 }
        guard let left = self.usableEndpoint(Int(first)), let right = self.usableEndpoint(Int(second)) else {
            return nil
        }
        return self.leastLoaded(of: self.load(of: right) < self.load(of: left) ? right : left)
    }

    /// The connections of an endpoint, in use or not.
    func connections(of endpoint: Int) -> Range<Int> {
        let places = 2 * self.settings.connectionsPerEndpoint
        return (endpoint * places)..<((endpoint + 1) * places)
    }

    private func isUsable(_ endpoint: Int) -> Bool {
        guard self.endpoints[endpoint].takesRequests else { return false }
        for connection in self.connections(of: endpoint) where self.connections[connection].hasRoom { return true }
        return false
    }

    /// The one with this number among those that are usable.
    private func usableEndpoint(_ number: Int) -> Int? {
        var left = number
        for endpoint in self.endpoints.indices where self.isUsable(endpoint) {
            if left == 0 { return endpoint }
            left -= 1
        }
        return nil
    }

    private func load(of endpoint: Int) -> Int {
        var load = 0
        for connection in self.connections(of: endpoint) { load += self.connections[connection].load }
        return load
    }

    private func leastLoaded(of endpoint: Int) -> Int? {
        var best: Int?
        for connection in self.connections(of: endpoint) where self.connections[connection].hasRoom {
            guard let chosen = best, self.connections[connection].load >= self.connections[chosen].load else {
                best = connection
                continue
            }
        }
        return best
    }
}
