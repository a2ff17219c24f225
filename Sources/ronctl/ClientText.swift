import ArgumentParser
import OAP
import Terminal

/// What the commands that speak to a gateway print.
enum ClientText {
    /// Writes a line to standard output at once, so that what is piped comes as it happens.
    static func printLine(_ line: String) throws(ClientFailure) {
        do throws(ExitCode) { try console.printLine(line) } catch { throw ClientFailure(output: error) }
    }

    /// Milliseconds with three decimals.
    static func milliseconds(_ duration: Duration) -> String { NumberText.decimals(duration / .milliseconds(1), 3) }
}

extension TextTable {
    /// Its id, region and score.
    mutating func append(provider: IndexRecord.Provider) {
        let region = provider.region.isEmpty ? "-" : TerminalText.printable(provider.region)
        self.append([TerminalText.printable(provider.id), region, "\(provider.score)"])
    }
}
