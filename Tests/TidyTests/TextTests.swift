import Testing

/// What a reader sees of a file before they read it.
@Suite struct TextTests {
    @Test func filesAreFound() {
        let paths = Set(Checkout.textFiles.map(\.path))
        #expect(paths.isSuperset(of: ["Package.swift", "Makefile", "configs/svc-gateway.toml", ".swift-format"]))
        #expect(Checkout.sources.count > 50)
    }

    @Test func noTabsAndNoTrailingSpace() {
        for file in Checkout.textFiles {
            for (index, line) in file.lines.enumerated() {
                if line.last == " " || line.last == "\t" { Issue.record("\(file.place(index)): trailing space") }
                if line.last?.isNewline == true || line.hasSuffix("\r") { Issue.record("\(file.place(index)): CR") }
                // A recipe begins with a tab; so does a field of a table of text.
                if !file.isMakefile, line.contains("\t") { Issue.record("\(file.place(index)): tab") }
            }
        }
    }

    @Test func filesEndWithOneNewline() {
        for file in Checkout.textFiles {
            #expect(file.text.hasSuffix("\n"), "\(file.path): no newline at the end")
            #expect(!file.text.hasSuffix("\n\n"), "\(file.path): blank lines at the end")
            #expect(file.text != "\n" && !file.text.isEmpty, "\(file.path): empty")
        }
    }

    /// What is not done is an issue with an owner, not a word in a comment.
    @Test func nothingIsPutOff() {
        // In pieces, or this file would find itself.
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
        for file in Checkout.textFiles {
            for (index, line) in file.lines.enumerated() {
                for word in words where line.contains(word) {
                    let isWord = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains(Substring(word))
                    if isWord { Issue.record("\(file.place(index)): \(word)") }
                }
            }
        }
    }

    /// A path of somebody's machine works nowhere else.
    @Test func noPathsOfOneMachine() {
        let directories = ["wo" + "rk", "ro" + "ot", "ho" + "me", "Use" + "rs"].map { "/\($0)/" }
        for file in Checkout.textFiles {
            for (index, line) in file.lines.enumerated() {
                for directory in directories where Self.isAbsolute(directory, in: line) {
                    Issue.record("\(file.place(index)): the absolute path \(directory)")
                }
            }
        }
    }

    /// True when it begins a path: `docs/home/` and `https://host/home/` go on one.
    private static func isAbsolute(_ directory: String, in line: Substring) -> Bool {
        line.ranges(of: directory).contains { range in
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            return !before.isLetter && !before.isNumber && !"._-/}".contains(before)
        }
    }

    @Test func pathsOfOneMachineAreRecognised() {
        let directory = "/wo" + "rk/"
        #expect(Self.isAbsolute(directory, in: "see \(directory)main"[...]))
        #expect(Self.isAbsolute(directory, in: "\(directory)main"[...]))
        #expect(Self.isAbsolute(directory, in: "\"\(directory)main\""[...]))
        #expect(!Self.isAbsolute(directory, in: "docs\(directory)main"[...]))
        #expect(!Self.isAbsolute(directory, in: "https://example.com\(directory)main"[...]))
    }
}
