import ArgumentParser
import IndexStore
import Terminal

/// `ronctl index delete KEY…`
struct IndexDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete records, in one transaction. Exit status 1 when one of the keys was not there.")

    @Argument(help: "Keys: name:<label> or b3:<64 lower-case hex digits>.")
    var keys: [String]

    @OptionGroup var location: IndexLocation

    func validate() throws {
        try IndexKeyArgument.check(self.keys)
    }

    func run() throws {
        let path = try self.location.path()
        var deleted = 0
        var missing: [String] = []
        try IndexConsole.run { () throws(IndexError) in
            // A writer would make a missing index; there is nothing to delete from one.
            _ = try IndexEnvironment(readOnlyAt: path)
            var writer = try IndexWriter(at: path)
            for key in self.keys {
                if try writer.delete(Array(key.utf8).span) { deleted += 1 } else { missing.append(key) }
            }
            try writer.commit()
        }
        try console.printLine("deleted \(deleted) of \(self.keys.count) records")
        for key in missing {
            console.printError("\(TerminalText.printable(key)) is not in \(path)")
        }
        if !missing.isEmpty { throw IndexConsole.keyMissing }
    }
}
