import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

/// Which daemon a command speaks to.
struct DaemonChoice: ParsableArguments {
    @Option(help: ArgumentHelp("The daemon's control socket.", valueName: "path")) var socket: String?
    @Option(help: ArgumentHelp("The daemon whose data lie there.", valueName: "dir")) var dir: String?

    func client() throws(Failure) -> ControlClient {
        let environment = getenv("CLUSTERD_SOCKET").map { String(cString: $0) }
        let choice = SocketChoice(socket: socket, directory: dir, environment: environment, caller: getuid())
        do {
            return ControlClient(socketPath: try choice.path { SocketChoice.FileFact(ofFileAt: $0) })
        } catch {
            throw Failure(error)
        }
    }
}

extension ControlClient {
    /// One request, one document; what the daemon refuses is thrown in its own words.
    func get<Document: Decodable>(
        _ request: ControlRequest, _ type: Document.Type, timeout: Duration = .seconds(10)
    ) throws(Failure) -> Document {
        do {
            return try send(request, timeout: timeout).decode(type)
        } catch {
            throw Failure(error)
        }
    }
}

/// Durations on the command line: `200ms`, `30s`, `5m`.
struct TimeoutArgument: ExpressibleByArgument {
    var duration: Duration

    init?(argument: String) {
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        for (unit, milliseconds) in units where argument.hasSuffix(unit) {
            if let count = Int64(argument.dropLast(unit.count)), count >= 0, count < 1_000_000_000 {
                duration = .milliseconds(count * milliseconds)
                return
            }
        }
        return nil
    }
}

/// Waits between two looks at the daemon.
enum Pause {
    static func brief() { usleep(25_000) }
}
