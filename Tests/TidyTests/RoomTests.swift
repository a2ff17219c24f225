import Testing

/// The arrows of the house: who may import whom. A change here is a change of the architecture.
enum House {
    struct Room {
        /// Rooms and products of this package.
        var imports: Set<String> = []
        /// Modules of the toolchain and of other packages.
        var outside: Set<String> = []
    }

    static let rooms: [String: Room] = [
        "OAP": Room(),
        "Admission": Room(outside: ["Synchronization"]),
        "Telemetry": Room(outside: ["Synchronization"]),
        "Forwarding": Room(imports: ["OAP"]),
        "Reactor": Room(imports: ["CIngress"], outside: ["Glibc", "Synchronization"]),
        "IndexStore": Room(imports: ["CLMDB", "OAP"], outside: ["Glibc", "Synchronization"]),
        "Gateway": Room(imports: ["Admission", "OAP", "Telemetry"], outside: ["Synchronization"]),
        "GatewayRuntime": Room(
            imports: ["Admission", "Forwarding", "Gateway", "IndexStore", "OAP", "Reactor", "Telemetry"],
            outside: ["Synchronization"]),
        "Settings": Room(imports: ["CTOML"], outside: ["ArgumentParser", "Foundation"]),
        "ControlProtocol": Room(outside: ["Foundation"]),
        "ControlPlane": Room(
            imports: [
                "Admission", "CBuildInfo", "ControlProtocol", "Gateway", "GatewayRuntime", "IndexStore", "OAP",
                "Reactor", "Settings",
                "Telemetry",
            ],
            outside: ["Dispatch", "FlyingFox", "FlyingSocks", "Foundation", "Logging", "Synchronization"]),
        "Terminal": Room(imports: ["Reactor"], outside: ["ArgumentParser", "Foundation", "Glibc"]),
        "LoadReport": Room(imports: ["Terminal"], outside: ["Foundation", "Glibc", "Histogram", "Synchronization"]),
        "LoadGeneration": Room(
            imports: ["LoadReport", "OAP", "Reactor"], outside: ["Glibc", "Histogram", "Synchronization"]),
        "GatewayTesting": Room(
            imports: [
                "Admission", "Forwarding", "Gateway", "GatewayRuntime", "IndexStore", "OAP", "Reactor", "Telemetry",
            ],
            outside: ["Foundation", "Synchronization"]),
        "svc-gateway": Room(imports: ["ControlPlane", "Settings"], outside: ["ArgumentParser", "Foundation"]),
        "ronctl": Room(
            imports: ["ControlProtocol", "IndexStore", "OAP", "Reactor", "Settings", "Terminal"],
            outside: ["ArgumentParser", "Dispatch", "FlyingSocks", "Foundation", "Glibc", "Synchronization"]),
        "oap-bench": Room(
            imports: ["LoadGeneration", "LoadReport", "OAP", "Reactor", "Settings", "Terminal"],
            outside: ["ArgumentParser", "Dispatch", "Foundation", "Glibc", "Histogram", "Synchronization"]),
    ]

    /// C targets: one Swift room each, which wraps them.
    static let wrappers = [
        "CIngress": "Reactor", "CLMDB": "IndexStore", "CTOML": "Settings", "CBuildInfo": "ControlPlane",
    ]

    /// The data path: no Foundation, which costs start-up time, memory and portability.
    static let withoutFoundation: Set<String> = [
        "OAP", "Admission", "Telemetry", "Forwarding", "Reactor", "IndexStore", "Gateway", "GatewayRuntime",
        "LoadGeneration",
    ]

    /// Memory that is not Swift's is wrapped here.
    static let unsafeRooms: Set<String> = ["Reactor", "IndexStore"]
    /// Fixed storage and single calls of the C library, each with its reason.
    static let unsafeFiles: [String: String] = [
        "Sources/Admission/Array+Assign.swift": "copies bytes at once",
        "Sources/Admission/AdmissionSnapshot.swift": "owns its buckets and uses them without counting references",
        "Sources/Admission/AtomicWords.swift": "fixed storage of atomics",
        "Sources/Admission/IngressAdmission.swift": "owns its first snapshot and uses it without counting references",
        "Sources/Admission/NamedTenants.swift": "borrows the rules that it owns without counting references",
        "Sources/Admission/Permit.swift": "a permit borrows its limit, which outlives it",
        "Sources/Admission/Slab.swift": "fixed storage",
        "Sources/Admission/TurnAccounts.swift": "fixed storage",
        "Sources/Forwarding/KeptBodies.swift": "copies bytes at once",
        "Sources/Telemetry/TelemetryBank.swift": "fixed storage of atomics on lines of their own",
        "Sources/ControlPlane/ProcessUsage.swift": "getrusage",
        "Sources/Terminal/TerminalSize.swift": "one ioctl",
        "Sources/GatewayTesting/SharedConnection.swift": "one socket for two threads, a direction each",
        "Sources/ControlPlane/ServiceVersion.swift": "a C string from CBuildInfo",
    ]
}

@Suite struct RoomTests {
    @Test func everyRoomIsInTheTable() {
        let folders = Checkout.names(in: "Sources").filter { name in
            Checkout.names(in: "Sources/\(name)").contains { $0.hasSuffix(".swift") }
        }
        #expect(Set(folders) == Set(House.rooms.keys))
    }

    @Test(arguments: House.rooms.keys.sorted()) func importsFollowTheArrows(room: String) throws {
        let allowed = try #require(House.rooms[room])
        let files = Checkout.sources.filter { $0.room == room }
        #expect(!files.isEmpty)
        for file in files {
            for (line, module) in Self.imports(file) {
                #expect(
                    allowed.imports.contains(module) || allowed.outside.contains(module),
                    "\(file.place(line)): \(room) may not import \(module)")
            }
        }
    }

    /// A dependency that the manifest allows and the table does not is an arrow nobody has drawn, and the other way round.
    @Test(arguments: House.rooms.keys.sorted()) func manifestHasTheSameArrows(room: String) throws {
        let declaration = try #require(Self.manifestDeclaration(room), "Package.swift has no target \(room)")
        let names = Set(declaration.matches(of: /"([^"]+)"/).map { String($0.output.1) })
        let known = Set(House.rooms.keys).union(House.wrappers.keys).subtracting([room])
        #expect(names.intersection(known) == House.rooms[room]?.imports)
    }

    @Test func arrowsPointDownOnly() {
        // Kahn: rooms whose imports are all placed already, until none is left.
        var placed = Set(House.wrappers.keys)
        var left = House.rooms
        while !left.isEmpty {
            let ready = left.filter { $0.value.imports.isSubset(of: placed) }
            guard !ready.isEmpty else { break }
            placed.formUnion(ready.keys)
            for name in ready.keys { left[name] = nil }
        }
        #expect(left.isEmpty, "these rooms import each other in a circle: \(left.keys.sorted())")
    }

    @Test func dataPathKnowsNoFoundation() {
        let banned: Set<String> = ["Foundation", "FoundationEssentials", "Dispatch", "Logging", "FlyingFox"]
        for room in House.withoutFoundation {
            #expect(House.rooms[room]?.outside.isDisjoint(with: banned) == true, "\(room)")
        }
    }

    @Test(arguments: House.wrappers.keys.sorted()) func eachCTargetHasOneWrapper(target: String) {
        let importers = Set(
            Checkout.sources.filter { file in Self.imports(file).contains { $0.module == target } }.map(\.room))
        #expect(importers == [House.wrappers[target] ?? ""], "\(target) is imported by \(importers.sorted())")
    }

    @Test func testingIsImportedByTestsOnly() {
        for file in Checkout.sources where file.room != "GatewayTesting" {
            for (line, module) in Self.imports(file) where module == "GatewayTesting" {
                Issue.record("\(file.place(line)): GatewayTesting is for tests and benchmarks")
            }
        }
    }

    @Test func unsafeCodeIsWhereItBelongs() {
        for file in Checkout.sources where !House.unsafeRooms.contains(file.room) {
            guard House.unsafeFiles[file.path] == nil else { continue }
            for (index, line) in file.code.lines.enumerated() where Self.hasWord(["unsafe", "unchecked"], line) {
                Issue.record("\(file.place(index)): unsafe code is for \(House.unsafeRooms.sorted()) and listed files")
            }
        }
    }

    /// A file that needs its exception no more, or is gone, leaves the list.
    @Test(arguments: House.unsafeFiles.keys.sorted()) func exceptionsAreUsed(path: String) {
        #expect(TextFile(path).code.lines.contains { Self.hasWord(["unsafe", "unchecked"], $0) })
    }

    @Test func dataPathNeverTrapsOnTryOrCast() {
        for file in Checkout.sources where House.withoutFoundation.contains(file.room) {
            for (index, line) in file.code.lines.enumerated() where line.contains("try!") || line.contains("as!") {
                Issue.record("\(file.place(index)): an error or a cast that traps")
            }
        }
    }

    // MARK: Reading

    private static func hasWord(_ words: [Substring], _ line: Substring) -> Bool {
        line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { words.contains($0) }
    }

    /// Imports with their lines, from code: an import in a comment or a string is none.
    static func imports(_ file: TextFile) -> [(line: Int, module: String)] {
        // `import struct Module.Type` names its module behind the kind.
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        return file.code.lines.enumerated().compactMap { index, line in
            guard line.contains("import ") else { return nil }
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"),
                words[..<place].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) }),
                let module = words[(place + 1)...].first(where: { !kinds.contains($0) })
            else { return nil }
            return (index, String(module.prefix { $0 != "." }))
        }
    }

    private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]

    /// The call in Package.swift that declares a target, from its name to its closing parenthesis.
    private static func manifestDeclaration(_ name: String) -> Substring? {
        let manifest = Checkout.text("Package.swift")
        let pattern = /\b(?:room|executableTarget)\(\s*(?:name:\s*)?"([^"]+)"/
        guard let match = manifest.matches(of: pattern).first(where: { $0.output.1 == name }) else { return nil }
        var depth = 1
        var end = match.range.upperBound
        while end < manifest.endIndex, depth > 0 {
            if manifest[end] == "(" { depth += 1 }
            if manifest[end] == ")" { depth -= 1 }
            end = manifest.index(after: end)
        }
        return manifest[match.range.upperBound..<end]
    }
}
