import ClusterModel

/// The result of a look at the folders and at the processes that may work in them.
extension Observation {
    package struct Survey: Sendable, Equatable {
        package var askedAt: Moment
        package var directories: [DirectoryFacts]
        package var users: [DirectoryUser]
        /// The state of the processes that the record names; a missing one was not looked for.
        package var recorded: [ProcessIdentity: ProcessPresence]
        /// Processes with an engine's name that may work in any folder that their user may write to.
        package var concealed: [ConcealedProcess]
        /// /proc shows only the processes of clusterd's own user (`hidepid`, proc(5)).
        package var showsOnlyOwn: Bool

        /// Whether every process that could work in a node's folder was examined.
        package var sawAll: Bool { concealed.isEmpty && !showsOnlyOwn }

        package init(
            askedAt: Moment, directories: [DirectoryFacts], users: [DirectoryUser],
            recorded: [ProcessIdentity: ProcessPresence] = [:], concealed: [ConcealedProcess] = [],
            showsOnlyOwn: Bool = false
        ) {
            self.askedAt = askedAt
            self.directories = directories
            self.users = users
            self.recorded = recorded
            self.concealed = concealed
            self.showsOnlyOwn = showsOnlyOwn
        }
    }

    /// A live process whose working directory is a node's directory.
    package struct DirectoryUser: Sendable, Equatable {
        package var directory: String
        package var identity: ProcessIdentity
        /// The program as the kernel names it (`comm`, at most 15 bytes); an engine cannot change it by its title.
        package var name: String
        /// As the process presents itself in /proc/PID/cmdline.
        package var command: String
        package var parent: Int32
        package var session: Int32
        /// TCP ports on which it listens; nil: clusterd may not see that.
        package var ports: [Int]?

        package init(
            directory: String, identity: ProcessIdentity, name: String? = nil, command: String, parent: Int32 = 1,
            session: Int32? = nil, ports: [Int]? = nil
        ) {
            self.directory = directory
            self.identity = identity
            self.name = name ?? Self.program(command)
            self.command = command
            self.parent = parent
            self.session = session ?? identity.pid
            self.ports = ports
        }

        /// As `comm` has it for `-bash` and `/usr/bin/redis-server 127.0.0.1:7000 [cluster]`.
        private static func program(_ command: String) -> String {
            String(EngineProcess.program(command).drop { $0 == "-" }.prefix(15))
        }
    }
}
