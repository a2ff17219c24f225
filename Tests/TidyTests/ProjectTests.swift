import Foundation
import Testing

/// What the project promises about itself outside its sources.
@Suite struct ProjectTests {
    private static let makefile = Checkout.text("Makefile")

    /// Targets that a person may type, from the rules themselves.
    private static let targets = Set(
        Self.makefile.split(separator: "\n").compactMap { $0.prefixMatch(of: /([a-z][a-z-]*):(?!=)/) }
            .map { String($0.output.1) })

    @Test func targetsAreDocumentedAndPhony() throws {
        #expect(Self.targets.isSuperset(of: ["run", "test", "build", "clean", "help", "lint"]))
        let phony = try #require(Self.makefile.firstMatch(of: /(?m)^\.PHONY:(.*)$/)).output.1
        #expect(Set(phony.split(separator: " ").map(String.init)) == Self.targets)
        for target in Self.targets {
            #expect(
                Self.makefile.split(separator: "\n").contains { $0.hasPrefix("\(target):") && $0.contains("## ") },
                "make help does not show \(target)")
        }
    }

    @Test(.enabled(if: ProjectTests.make != nil, "make is not installed"))
    func helpShowsEveryTarget() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.make))
        process.arguments = ["--silent", "--no-print-directory", "-C", Checkout.root, "help"]
        let output = Pipe()
        process.standardOutput = output
        // An outer make's flags are not meant for this one.
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MAKE") }
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let shown = text.split(separator: "\n").compactMap { $0.firstMatch(of: /^ *make ([a-z-]+) +\S/)?.output.1 }
        #expect(Set(shown.map(String.init)) == Self.targets)
    }

    static let make = ["/usr/bin/make", "/bin/make", "/usr/local/bin/make"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test func styleIsWrittenDownAndChecked() throws {
        let style = try JSONSerialization.jsonObject(with: Data(Checkout.text(".swift-format").utf8))
        let members = try #require(style as? [String: Any])
        #expect(members["lineLength"] as? Int == 120)
        #expect(Self.makefile.contains(/(?m)^lint:.*\n\t@?\$\(SWIFT\) format lint --strict/))
        #expect(Self.recipe("test").contains("lint"), "make test does not run the lint")
    }

    @Test(.enabled(if: Checkout.exists("README.md"), "there is no README yet"))
    func readmeNamesRealCommands() {
        let readme = Checkout.text("README.md")
        let named = Set(readme.matches(of: /\bmake ([a-z][a-z-]*)/).map { String($0.output.1) })
        // Prose may say "make sure"; code may not: only what stands in code counts.
        let inCode = Set(
            readme.matches(of: /`make ([a-z][a-z-]*)|(?m)^\s*(?:\$ )?make ([a-z][a-z-]*)/)
                .compactMap { $0.output.1 ?? $0.output.2 }.map(String.init))
        #expect(named.isSuperset(of: ["run", "test"]))
        #expect(inCode.isSubset(of: Self.targets), "\(inCode.subtracting(Self.targets).sorted())")
    }

    /// Paths in backticks and links exist.
    @Test(.enabled(if: Checkout.exists("README.md"), "there is no README yet"))
    func readmeLinksLeadSomewhere() {
        for link in Checkout.text("README.md").matches(of: /\]\(([^)#:]+)(?:#[^)]*)?\)/) {
            #expect(Checkout.exists(String(link.output.1)), "README.md: \(link.output.1)")
        }
    }

    @Test(arguments: Checkout.names(in: "configs")) func everyConfigurationIsLoadedByATest(name: String) {
        let readers = Checkout.textFiles.filter { file in
            file.isSwift && file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Tests/TidyTests/")
                && file.text.contains(name)
        }
        #expect(!readers.isEmpty, "no test reads configs/\(name)")
    }

    private static let catalogs = Checkout.textFiles.map(\.path).compactMap { path in
        path.range(of: ".docc/").map { String(path[..<path.index(before: $0.upperBound)]) }
    }.reduce(into: Set<String>()) { $0.insert($1) }.sorted()

    @Test(.enabled(if: !ProjectTests.catalogs.isEmpty, "there is no documentation catalog yet"))
    func catalogPagesExist() {
        for catalog in Self.catalogs {
            let pages = Checkout.textFiles.filter { $0.path.hasPrefix(catalog + "/") && $0.path.hasSuffix(".md") }
            let names = Set(pages.map { (($0.path as NSString).lastPathComponent as NSString).deletingPathExtension })
            for page in pages {
                for link in page.text.matches(of: /<doc:([A-Za-z0-9_-]+)[^>]*>/) {
                    #expect(names.contains(String(link.output.1)), "\(page.path): \(link.output.1) is no page")
                }
            }
        }
    }

    /// The lines of a rule behind its target.
    private static func recipe(_ target: String) -> String {
        guard let start = self.makefile.range(of: "\n\(target):") else { return "" }
        return self.makefile[start.upperBound...].split(separator: "\n").dropFirst()
            .prefix { $0.hasPrefix("\t") }.joined(separator: "\n")
    }
}
