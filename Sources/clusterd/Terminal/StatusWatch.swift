import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import ProcessSupervision
import StatusView

/// `status --watch`: shows the status repeatedly until it is interrupted. Waits for a daemon that goes away.
struct StatusWatch {
    private let client: ControlClient
    private let node: String?
    private let json: Bool
    private let screen = Screen()

    private static let interval = Duration.seconds(1)
    /// The timeout of one request, so that a daemon that does not answer does not block the screen.
    private static let patience = Duration.seconds(2)
    /// The number of updates for which a change stays marked.
    private static let marked = 4

    init(_ client: ControlClient, node: String?, json: Bool) {
        self.client = client
        self.node = node
        self.json = json
    }

    func run() throws {
        // The first request fails as `status` does.
        let first = try StatusLook(client, node: node)
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP]) { [screen] signal in
            switch signal {
            case SIGWINCH: screen.wake()
            case SIGTSTP: screen.suspend()
            default:
                screen.leave()
                Glibc.exit(ControlAPI.ExitCode.interrupted)
            }
        }
        if Terminal.isThere, !json { paint(first) } else { tell(first) }
    }

    private func look() -> Result<StatusLook, Failure> {
        do throws(Failure) {
            return .success(try StatusLook(client, node: node, timeout: Self.patience))
        } catch {
            return .failure(error)
        }
    }

    // MARK: on a terminal

    private func paint(_ first: StatusLook) {
        var (seen, seenAt) = (first, Terminal.now)
        var earlier: [StatusDocument] = []
        var banner: String?
        var goneAt = ""
        var top = 0
        var next = ContinuousClock.now + Self.interval
        screen.enter()
        defer { screen.leave() }
        while true {
            let size = Terminal.size ?? Frame.Size(columns: Terminal.width, rows: 24)
            let frame = Frame(
                seen.lines(earlier: earlier, now: banner == nil ? Terminal.now : seenAt, width: size.columns),
                banner: banner,
                clock: Terminal.clock, top: top, size: size)
            top = frame.top
            guard screen.draw(frame.bytes(Style(color: Output.hasColor, marks: true))) else { return }
            switch screen.next(until: next) {
            case .quit, .gone: return
            case .redraw: break
            case .up: top -= 1
            case .down: top += 1
            case .pageUp: top -= frame.page
            case .pageDown: top += frame.page
            case .first: top = 0
            case .last: top = frame.bottom
            case .time:
                next = ContinuousClock.now + Self.interval
                switch look() {
                case .success(let now):
                    earlier = Array((earlier + [seen.status]).suffix(Self.marked))
                    (seen, seenAt, banner) = (now, Terminal.now, nil)
                case .failure(let failure):
                    if banner == nil { goneAt = Terminal.clock }
                    banner =
                        "since \(goneAt): \(failure.message); the status below is stale until clusterd answers"
                }
            }
        }
    }

    // MARK: without a terminal

    private func tell(_ first: StatusLook) {
        var seen = first
        var isAway = false
        guard show(seen) else { return }
        while true {
            switch screen.next(until: ContinuousClock.now + Self.interval) {
            case .gone, .quit: return
            case .time: break
            default: continue
            }
            switch look() {
            case .success(let now):
                if isAway { Output.note("clusterd answers again (pid \(now.status.cluster.daemon.pid))") }
                isAway = false
                guard !now.tellsTheSame(as: seen) else { continue }
                seen = now
                guard show(seen) else { return }
            case .failure(let failure):
                if !isAway { Output.note("\(failure.message); waiting for it") }
                isAway = true
            }
        }
    }

    private func show(_ look: StatusLook) -> Bool {
        if json { return Output.write(STDOUT_FILENO, look.json + [10]) }
        let lines = look.lines(now: Terminal.now, width: Terminal.width)
        let text = lines.map { $0.rendered(Style(color: Output.hasColor)) }.joined(separator: "\n")
        return Output.write(STDOUT_FILENO, Array("\(Terminal.clock)\n\(text)\n\n".utf8))
    }
}

extension StatusLook {
    /// Whether both show the same state, apart from load figures.
    fileprivate func tellsTheSame(as other: StatusLook) -> Bool {
        guard let node, let before = other.node else {
            return status.withoutLoad == other.status.withoutLoad && waits == other.waits
        }
        return node.withoutLoad == before.withoutLoad
            && status.findings.filter { $0.node == node.name } == other.status.findings.filter { $0.node == node.name }
            && status.shards.filter { $0.has(node.name) } == other.status.shards.filter { $0.has(node.name) }
    }
}

extension ShardDocument {
    fileprivate func has(_ node: NodeName) -> Bool { master == node || replicas.contains(node) }
}
