/// A chart as a figure of a page: its lines and areas are SVG that stretches with the window, its text is HTML, which does
/// not. It says the same without scripts; with them the values under the pointer are shown.
struct LineChart {
    struct Point {
        /// 0 to 1.
        let x: Double
        /// Nil breaks the line.
        let value: Double?
    }

    struct Line {
        enum Form {
            case line
            /// Thin, for what comes beside.
            case dashed
            /// Each point is the end of a step.
            case stepped
            case steppedDashed
            /// Steps down to the ground.
            case bars
        }

        let name: String
        /// Of the page's palette: `c1` to `c5`, or `bad`.
        let colour: String
        let form: Form
        let points: [Point]
    }

    /// Of the values, for the script.
    enum Unit: String {
        case microseconds = "us"
        case rate = "/s"
        case count = ""
    }

    /// What the x axis is, for the script.
    enum Across: String {
        case seconds = "s"
        case percentile = "%"
        case microseconds = "us"
    }

    let title: String
    let note: String
    /// In one sentence what is to be seen, for those who do not see it.
    let summary: String
    let across: Across
    let xScale: AxisScale
    let yScale: AxisScale
    let unit: Unit
    let lines: [Line]
    var isWide = false

    private static let width = 1000.0
    private static let height = 300.0

    var html: String {
        let legend = self.lines.map { line in
            "<li class=\"\(line.colour)\(line.form.isDashed ? " dash" : "")\"><i></i>\(HTMLText.escaped(line.name))</li>"
        }
        let yMarks = self.yScale.marks.map { mark in
            "<span style=\"bottom:\(Self.percent(self.yScale.position(mark.value)))\">\(mark.label)</span>"
        }
        let xMarks = self.xScale.marks.map { mark in
            let position = self.xScale.position(mark.value)
            let name = position > 0.985 ? " class=\"end\"" : mark.isMinor ? " class=\"minor\"" : ""
            return "<span\(name) style=\"left:\(Self.percent(position))\">\(mark.label)</span>"
        }
        return """
            <figure class="chart\(self.isWide ? " wide" : "")"><figcaption><b>\(HTMLText.escaped(self.title))</b> \
            <span>\(HTMLText.escaped(self.note))</span></figcaption>
            <ul class="legend">\(legend.joined())</ul>
            <div class="plot"><div class="y" aria-hidden="true">\(yMarks.joined())</div>
            <div class="area" data-chart="\(HTMLText.escaped(self.data))">\(self.svg)</div>
            <div class="x" aria-hidden="true">\(xMarks.joined())</div></div></figure>
            """
    }

    private static func percent(_ position: Double) -> String { HTMLText.coordinate(position * 100) + "%" }

    private var svg: String {
        let horizontal = self.yScale.marks.map {
            "M0 \(Self.y(self.yScale.position($0.value)))H1000"
        }
        let vertical = self.xScale.marks.map { "M\(Self.x(self.xScale.position($0.value))) 0V300" }
        // What is dashed shows through where it lies on a solid line, so it comes last.
        let ordered = self.lines.filter { !$0.form.isDashed }.reversed() + self.lines.filter(\.form.isDashed)
        let lines = ordered.map { line in
            let path = self.path(line)
            switch line.form {
            case .bars: return "<path class=\"bar \(line.colour)\" d=\"\(path)\"/>"
            case .line, .stepped: return "<path class=\"line \(line.colour)\" d=\"\(path)\"/>"
            case .dashed, .steppedDashed: return "<path class=\"line dash \(line.colour)\" d=\"\(path)\"/>"
            }
        }
        return """
            <svg viewBox="0 0 1000 300" preserveAspectRatio="none" role="img"><title>\(HTMLText.escaped(self.title))</title>\
            <desc>\(HTMLText.escaped(self.summary))</desc><path class="grid" d="\((horizontal + vertical).joined())"/>\
            \(lines.joined())</svg>
            """
    }

    private static func x(_ position: Double) -> String { HTMLText.coordinate(position * Self.width) }
    private static func y(_ position: Double) -> String { HTMLText.coordinate((1 - position) * Self.height) }

    private func path(_ line: Line) -> String {
        switch line.form {
        case .line, .dashed: self.straight(line.points)
        case .stepped, .steppedDashed: self.steps(line.points)
        case .bars: self.bars(line.points)
        }
    }

    private func straight(_ points: [Point]) -> String {
        var path = ""
        for (index, point) in points.enumerated() {
            guard let value = point.value else { continue }
            let place = "\(Self.x(point.x)) \(Self.y(self.yScale.position(value)))"
            let isFirst = index == 0 || points[index - 1].value == nil
            path += (isFirst ? "M" : "L") + place
            // A value between two gaps would have no line to be seen by.
            let isLast = index == points.count - 1 || points[index + 1].value == nil
            if isFirst, isLast { path += "h3" }
        }
        return path
    }

    private func steps(_ points: [Point]) -> String {
        var path = ""
        var start = 0.0
        for point in points {
            guard let value = point.value else { continue }
            let y = Self.y(self.yScale.position(value))
            path += (path.isEmpty ? "M\(Self.x(start)) \(y)" : "V\(y)") + "H\(Self.x(point.x))"
            start = point.x
        }
        return path
    }

    private func bars(_ points: [Point]) -> String {
        var path = ""
        var start = 0.0
        for point in points {
            if let value = point.value {
                // What is there is seen, however little it is.
                let height = max(self.yScale.position(value), 0.01)
                path += "M\(Self.x(start)) 300V\(Self.y(height))H\(Self.x(point.x))V300Z"
            }
            start = point.x
        }
        return path
    }

    /// What the script shows under the pointer.
    private var data: String {
        let lines = self.lines.map { line in
            let places = line.points.map { HTMLText.coordinate($0.x * Self.width) }.joined(separator: ",")
            let values = line.points.map { $0.value.map(HTMLText.number) ?? "null" }.joined(separator: ",")
            return "[\"\(line.name)\",\"\(line.colour)\",\(line.form.isStepped ? 1 : 0),[\(places)],[\(values)]]"
        }
        return "{\"x\":\"\(self.across.rawValue)\",\"k\":\"\(self.xScale.kind.rawValue)\",\"a\":\(self.xScale.low),"
            + "\"b\":\(self.xScale.high),\"u\":\"\(self.unit.rawValue)\",\"l\":[\(lines.joined(separator: ","))]}"
    }
}

extension LineChart.Line.Form {
    fileprivate var isDashed: Bool { self == .dashed || self == .steppedDashed }
    fileprivate var isStepped: Bool {
        switch self {
        case .line, .dashed: false
        case .stepped, .steppedDashed, .bars: true
        }
    }
}
