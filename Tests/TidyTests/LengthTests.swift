import Testing

/// Long files and functions are reported as warnings: a reason to look, no reason to stop.
@Suite struct LengthTests {
    static let fileLinesMax = 500
    static let functionLinesMax = 70

    @Test func files() {
        let code: Set<String> = ["swift", "c", "h", "cpp", "hpp", "py"]
        for file in Checkout.textFiles {
            guard let end = file.path.split(separator: ".").last, code.contains(String(end)) else { continue }
            let count = file.lines.count - 1
            if count > Self.fileLinesMax {
                Self.warn("\(file.path): \(count) lines; more than \(Self.fileLinesMax) are two nouns in one file")
            }
        }
    }

    @Test func functions() {
        for file in Checkout.textFiles where file.isSwift {
            for function in file.code.functions where function.lineCount > Self.functionLinesMax {
                Self.warn(
                    "\(file.place(function.line)): \(function.name) has \(function.lineCount) lines; more than "
                        + "\(Self.functionLinesMax) do not fit a screen")
            }
        }
    }

    private static func warn(_ text: String) {
        #if compiler(>=6.3)
            Issue.record("\(text)", severity: .warning)
        #else
            print("warning: \(text)")
        #endif
    }

    // MARK: The counter itself

    @Test func counterKnowsWhereABodyEnds() {
        let code = SwiftCode(
            """
            protocol P {
                func required(_ a: Int = [1, 2].map { $0 }.count) -> Int
                init(b: Int)
                func other()
            }
            struct S {
                let text = "func no() { \\("{")"
                func one(
                    _ closure: () -> Void = {}
                ) -> Int {
                    // }
                    let pattern = call(/"}/, 4 / 2 / 1)
                    let brace = "}" + #"\\"}"# /* } /* } */ } */
                    if true { return 1 }
                    return brace.count
                }
                init() { self.init(b: 1) }
                init(b: Int) {
                }
                deinit { }
            }
            """)
        #expect(code.functions.map { String($0.name) } == ["func one", "init", "init", "deinit"])
        #expect(code.functions.map(\.line) == [7, 16, 17, 19])
        #expect(code.functions.map(\.lineCount) == [9, 1, 2, 1])
    }

    @Test func literalsAndCommentsAreNoCode() {
        let code = SwiftCode(
            #"""
            let a = "unsafe \(b ? "unsafe" : "x") unsafe"; let b = 1 // unsafe
            let c = """
                unsafe " unsafe
                """
            unsafe d()
            """#)
        #expect(code.lines.count == 5)
        #expect(code.lines.map { $0.contains("unsafe") } == [false, false, false, false, true])
        #expect(code.lines[0].contains("let b = 1"))
    }
}
