import Reactor

/// Client sockets that are kept open together: noncopyable values fit no array, and boxes do.
struct SocketList: ~Copyable {
    private final class Box {
        let socket: BlockingSocket
        init(_ socket: consuming BlockingSocket) { self.socket = socket }
    }

    private var boxes: [Box] = []

    mutating func add(_ socket: consuming BlockingSocket) { self.boxes.append(Box(socket)) }
    mutating func removeAll() { self.boxes = [] }

    func with(_ index: Int, _ body: (borrowing BlockingSocket) throws -> Void) rethrows {
        try body(self.boxes[index].socket)
    }
}
