import ClusterModel

/// The processes that work in node folders. Each one counts as a server unless it is known not to be one: a second engine next to an
/// unrecognized server makes two writers on one append-only file (invariant: one-engine).
package struct FolderUsers: Sendable, Equatable {
    package typealias User = Observation.DirectoryUser

    private let users: [User]
    /// The processes that the record names as the nodes' own.
    private let recorded: Set<ProcessIdentity>
    /// The engine's program, as configured.
    private let program: String

    package init(_ users: [User], recorded: Set<ProcessIdentity>, server: String = "redis-server") {
        self.users = users
        self.recorded = recorded
        program = server
    }

    /// The recorded process first, then the lowest pid.
    package func server(in folder: String) -> User? {
        let servers = servers(in: folder)
        return servers.first { recorded.contains($0.identity) } ?? servers.first
    }

    package func servers(in folder: String) -> [User] { users.filter { $0.directory == folder && mayServe($0) } }

    package var foldersInUse: Set<String> { Set(users.filter(mayServe).map(\.directory)) }

    private func mayServe(_ user: User) -> Bool {
        if recorded.contains(user.identity) { return true }
        if user.ports?.isEmpty == false { return true }
        if Self.tools.contains(user.name) || isChildOfEngine(user) { return false }
        // An editor's language server or an operator's script: it listens on no port and has no engine's name.
        return user.ports == nil
            || EngineProcess.looksLikeEngine(name: user.name, command: user.command, server: program)
    }

    /// A child that saves or rewrites: it has the engine's name where the engine sets no title of its own, closes the listening
    /// sockets (`closeChildUnusedResourceAfterFork`, src/server.c), and may outlive the engine for a while.
    private func isChildOfEngine(_ user: User) -> Bool {
        if EngineProcess.isTitleOfChild(user.command) { return true }
        guard user.ports != nil else { return false }
        let pids = Set(recorded.map(\.pid) + users.filter { $0.directory == user.directory }.map(\.identity.pid))
            .subtracting([user.identity.pid])
        return pids.contains(user.parent) || pids.contains(user.session)
    }

    /// Programs that operators use in a folder, by `comm`. None of these is a server.
    private static let tools: Set<String> = [
        "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh", "screen", "tmux", "tmux: client",
        "tmux: server", "su", "sudo", "doas", "ssh", "scp", "sftp", "rsync", "emacs", "joe", "mcedit", "micro", "nano",
        "nvim", "vi", "vim", "vim.basic", "vim.tiny", "cat", "grep", "head", "less", "more", "most", "tail", "find",
        "ls", "mc", "ncdu", "du", "tree", "watch", "htop", "top", "gdb", "lsof", "perf", "strace", "cp", "mv", "rm",
        "tar", "gzip", "zstd", "git", "make", "man", "redis-cli", "valkey-cli", "redis-benchmark", "redis-check-aof",
        "redis-check-rdb", "valkey-check-ao", "valkey-check-rd", "clusterd",
    ]
}

package enum EngineProcess {
    private static let children = ["redis-rdb-", "redis-aof-", "valkey-rdb-", "valkey-aof-", "redis-module-"]

    /// `redis-rdb-bgsave 127.0.0.1:7000 [cluster]` (`redisSetProcTitle`, src/server.c).
    static func isTitleOfChild(_ command: String) -> Bool {
        let name = program(command)
        return children.contains(where: name.hasPrefix)
    }

    /// Whether a process has the name of a serving engine.
    /// - Parameter name: `comm`: at most 15 bytes.
    package static func looksLikeEngine(name: String, command: String, server: String) -> Bool {
        let ours = program(server)
        let names = [name, program(command)]
        return names.contains { name in
            name == ours || name == String(ours.prefix(15)) || name.hasPrefix("redis-server")
                || name.hasPrefix("valkey-server")
        } && !isTitleOfChild(command)
    }

    /// The first word of a command line, without its folder.
    static func program(_ command: String) -> String {
        let word = command.split(separator: " ").first.map(String.init) ?? ""
        return word.split(separator: "/").last.map(String.init) ?? word
    }
}
