import Glibc
import Systemd
import Testing

@Suite struct NotifierTests {
    private static func socketName(_ prefix: String) -> String {
        "\(prefix)clusterd-notify-\(UInt64.random(in: 0 ... .max))"
    }

    @Test(arguments: ["/tmp/", "@"])
    func oneDatagramCarriesAllStates(prefix: String) throws {
        let name = Self.socketName(prefix)
        let systemd = try DatagramSocket(name)
        let notifier = Notifier(socket: name)
        #expect(notifier.isActive)
        #expect(notifier.notify(.ready, .status("3 masters, 3 replicas"), .mainPID(42)) == 0)
        #expect(try systemd.receive() == "READY=1\nSTATUS=3 masters, 3 replicas\nMAINPID=42")
        notifier.notify(.watchdog)
        #expect(try systemd.receive() == "WATCHDOG=1")
        notifier.notify(.stopping, .extendTimeout(.milliseconds(2500)))
        #expect(try systemd.receive() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000")
    }

    @Test func aDescriptorIsStoredAndRemoved() throws {
        let name = Self.socketName("@")
        let systemd = try DatagramSocket(name)
        let notifier = Notifier(socket: name)
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(notifier.store(file, as: "control-1-2") == 0)
        let (text, descriptors) = try systemd.receiveWithDescriptors()
        #expect(text == "FDSTORE=1\nFDNAME=control-1-2")
        var (ours, theirs) = (stat(), stat())
        let copy = try #require(descriptors.first)
        defer { close(copy) }
        #expect(descriptors.count == 1 && fstat(file, &ours) == 0 && fstat(copy, &theirs) == 0)
        #expect(ours.st_ino == theirs.st_ino && ours.st_rdev == theirs.st_rdev)
        notifier.notify(.unstore("control-1-2"))
        #expect(try systemd.receive() == "FDSTOREREMOVE=1\nFDNAME=control-1-2")
        #expect(Notifier(socket: nil).store(file, as: "control-1-2") == 0)
    }

    @Test func aReloadCarriesItsStartTime() throws {
        let name = Self.socketName("@")
        let systemd = try DatagramSocket(name)
        var before = timespec()
        clock_gettime(CLOCK_MONOTONIC, &before)
        Notifier(socket: name).notify(.reloading)
        let lines = try systemd.receive().split(separator: "\n")
        #expect(lines.first == "RELOADING=1")
        let microseconds = try #require(lines.last.flatMap { Int($0.dropFirst("MONOTONIC_USEC=".count)) })
        let start = before.tv_sec * 1_000_000 + before.tv_nsec / 1000
        #expect((start...start + 60_000_000).contains(microseconds))
    }

    @Test func aStatusIsAlwaysOneLine() throws {
        let name = Self.socketName("@")
        let systemd = try DatagramSocket(name)
        let notifier = Notifier(socket: name)
        notifier.notify(.status("a\nREADY=1\r\n\u{0}\u{7f}\u{85}b"))
        #expect(try systemd.receive() == "STATUS=a READY=1    b")
        notifier.notify(.status(String(repeating: "🙂", count: 5000)), .ready)
        #expect(try systemd.receive() == "STATUS=\(String(repeating: "🙂", count: 512))\nREADY=1")
    }

    @Test(arguments: [nil, "", "@", "/", "relative", "vsock:2:1234", "/" + String(repeating: "x", count: 108)])
    func withoutSystemdANotificationDoesNothing(socket: String?) {
        let notifier = Notifier(socket: socket)
        #expect(!notifier.isActive)
        #expect(notifier.notify(.ready, .status("x"), .watchdog) == 0)
    }

    @Test func aMissingSystemdSocketOnlyReturnsAnErrno() {
        #expect(Notifier(socket: "/nonexistent/notify").notify(.ready) == ENOENT)
        #expect(Notifier(socket: Self.socketName("@")).notify(.ready) == ECONNREFUSED)
    }

    // In separate processes, as all tests share one environment.

    @Test func theVariablesOfSystemdAreConsumedAndNotInherited() async {
        await #expect(processExitsWith: .success) {
            let names = [
                "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
            ]
            let socketName = "@clusterd-notify-\(getpid())"
            let systemd = try DatagramSocket(socketName)
            let inherited = fcntl(systemd.descriptor, F_DUPFD, 3)
            if inherited != 3 { #expect(dup2(systemd.descriptor, 3) == 3) }
            let own = "\(getpid())"
            for (name, value) in zip(names, [socketName, "30000000", own, "1", own, "api"]) { setenv(name, value, 1) }
            let notifier = Notifier.fromEnvironment()
            #expect(notifier.isActive)
            #expect(notifier.watchdogInterval == .seconds(30))
            #expect(
                notifier.handedOver
                    == [HandedDescriptor(descriptor: 3, name: "api", listensOnUnixSocket: false)])
            #expect(fcntl(3, F_GETFD) & FD_CLOEXEC != 0)
            for name in names { #expect(getenv(name) == nil) }
            notifier.notify(.ready)
            #expect(try systemd.receive() == "READY=1")
        }
    }

    @Test func aListeningSocketIsDistinguishedFromOthers() async {
        await #expect(processExitsWith: .success) {
            let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            // The kernel chooses a name (unix(7), autobind).
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, 2) }
            }
            #expect(bound == 0 && listen(listener, 1) == 0)
            if listener != 3 { #expect(dup2(listener, 3) == 3) }
            #expect(dup2(STDERR_FILENO, 4) == 4)
            let own = "\(getpid())"
            for (name, value) in [("LISTEN_FDS", "2"), ("LISTEN_PID", own), ("LISTEN_FDNAMES", "control:log")] {
                setenv(name, value, 1)
            }
            #expect(
                Notifier.fromEnvironment().handedOver == [
                    HandedDescriptor(descriptor: 3, name: "control", listensOnUnixSocket: true),
                    HandedDescriptor(descriptor: 4, name: "log", listensOnUnixSocket: false),
                ])
        }
    }

    @Test func variablesForAnotherProcessAreUnsetAndIgnored() async {
        await #expect(processExitsWith: .success) {
            unsetenv("NOTIFY_SOCKET")
            let values = [("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1"), ("LISTEN_FDS", "2"), ("LISTEN_PID", "1")]
            for (name, value) in values { setenv(name, value, 1) }
            let notifier = Notifier.fromEnvironment()
            #expect(notifier == Notifier(socket: nil))
            for (name, _) in values { #expect(getenv(name) == nil) }
        }
    }
}
