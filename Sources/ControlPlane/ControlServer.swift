import Logging
import Settings

/// The control socket: its name in the file system and the server behind it.
struct ControlServer: Sendable {
    let path: String
    let server: AdminServer
    private let file: ControlSocketFile

    /// Makes the socket and listens on it: from now on clients queue up, and are served once `server` runs.
    init(
        path: String, settings: GatewaySettings, source: any ControlSource, logger: Logger
    ) throws(AdminServerError) {
        self.path = path
        self.file = ControlSocketFile(
            path: path, instance: settings.instance, ownsDirectory: settings.controlSocket == .automatic)
        self.server = AdminServer(
            .unix(self.file), routes: ControlRoutes(source: source), logger: logger, limits: .control)
        try self.server.bind()
    }

    /// Takes the socket's name away. Who is connected stays connected.
    func remove() { self.file.remove() }

    /// Ends the server as well, once it has answered.
    func stop() {
        self.remove()
        self.server.stop()
    }
}
