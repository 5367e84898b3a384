import Foundation
import Testing

/// The completions that bash offers, with the script that the package installs.
@Suite(.serialized) struct CompletionTests {
    private func offered(_ line: [String], in folder: String) throws -> [String] {
        let script = """
            PATH=\(URL(fileURLWithPath: Daemon.program).deletingLastPathComponent().path):$PATH
            source <(clusterd --generate-completion-script bash)
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _clusterd clusterd "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script, "bash"] + line
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }

    @Test func completionOffersTheNodesOfTheSelectedCluster() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let (master, replica) = (String(daemon.base), String(daemon.base + 1))
            let data = daemon.data
            func offered(_ words: String...) throws -> [String] {
                try self.offered(["clusterd"] + words, in: daemon.home)
            }
            #expect(try offered("restart-node", "--dir", data, "") == [master, replica])
            #expect(try offered("failover", "--dir", data, "") == [replica])
            #expect(try offered("failover", "--dir", data, "--from", "") == [master])
            #expect(try offered("start-node", "--dir", data, "") == [])
            #expect(try offered("wait", "--dir", data, "") == ["ready", "serving", master, replica])
            #expect(try offered("destroy", "--dir", data, "") == [daemon.status().cluster.name])
            #expect(try offered("resta") == ["restart-node"])
            #expect(try offered("restart-node", "--no") == ["--no-failover"])
            // Without a daemon there is no completion, and no error output.
            #expect(try offered("restart-node", "--dir", daemon.home, "") == [])
            try await daemon.stop()
        }
    }
}
