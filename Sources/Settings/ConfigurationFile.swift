internal import Foundation

/// A file that may hold the configuration.
struct ConfigurationSource: Sendable, Equatable {
    /// Tried when nobody named a file, relative to the working directory.
    static let localFile = "configs/svc-gateway.toml"
    /// Tried after that.
    static let systemFile = "/etc/ron/svc-gateway.toml"

    /// As errors name it and as it is opened.
    let path: String

    /// Who named it (`--config`). Nil for the places that are only looked into: they may be empty.
    let namedBy: String?

    /// Where a relative path leads from the directory; the path itself for `.`.
    static func path(_ path: String, in directory: String) -> String {
        guard !path.hasPrefix("/"), directory != "." else { return path }
        return directory.hasSuffix("/") ? directory + path : "\(directory)/\(path)"
    }
}

/// Why a file could not be read.
enum ConfigurationFileFault: Error, Equatable {
    /// There is nothing at that path.
    case missing
    /// In the words of the system.
    case unreadable(String)
    case tooLong

    /// What is wrong, and what to do.
    ///
    /// - Parameter missing: what to do when there is nothing.
    func sentence(namedBy: String?, missing: String) -> String {
        let named = namedBy.map { " (named by \($0))" } ?? ""
        switch self {
        case .missing: return "there is no such file\(named); \(missing)"
        case .unreadable(let reason): return "cannot be read: \(reason)\(named)"
        case .tooLong:
            return "is longer than \(TOMLDocument.bytesMax.grouped) bytes\(named); expected a configuration file"
        }
    }
}

enum ConfigurationFile {
    /// All of a file, at most `bytesMax` of it: also what is no regular file (a pipe, a device) is read to its end only
    /// when the end comes soon enough.
    static func read(_ path: String, bytesMax: Int = TOMLDocument.bytesMax) throws(ConfigurationFileFault) -> [UInt8] {
        // Foundation takes an empty path for the working directory.
        guard !path.isEmpty else { throw .missing }
        var bytes: [UInt8] = []
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            while let more = try file.read(upToCount: bytesMax + 1 - bytes.count), !more.isEmpty {
                bytes += more
                guard bytes.count <= bytesMax else { break }
            }
        } catch {
            throw Self.fault(error)
        }
        guard bytes.count <= bytesMax else { throw .tooLong }
        return bytes
    }

    private static func fault(_ error: any Error) -> ConfigurationFileFault {
        guard let code = Self.posixCode(error as NSError) else { return .unreadable(error.localizedDescription) }
        switch code {
        case .ENOENT, .ENOTDIR: return .missing
        default:
            // Foundation puts a sentence of its own in front of the system's.
            let words = POSIXError(code).localizedDescription
            return .unreadable(words.split(separator: ". ").last.map(String.init) ?? words)
        }
    }

    /// The errno beneath an error of Foundation, which often wraps it.
    private static func posixCode(_ error: NSError) -> POSIXErrorCode? {
        if error.domain == NSPOSIXErrorDomain { return POSIXErrorCode(rawValue: Int32(error.code)) }
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { return Self.posixCode(underlying) }
        guard error.domain == NSCocoaErrorDomain else { return nil }
        switch CocoaError.Code(rawValue: error.code) {
        case .fileReadNoSuchFile, .fileNoSuchFile: return .ENOENT
        case .fileReadNoPermission: return .EACCES
        default: return nil
        }
    }
}
