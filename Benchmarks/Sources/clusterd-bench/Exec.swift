import Foundation

/// A test suite's cluster: created for one command, and gone after it. The peer is what images and scripts for tests do: six
/// servers, `redis-cli --cluster create`, and their end.
struct Exec: Part {
    let name = "exec"
    let title = "from the start of a test suite's command until it has ended and no server is left"

    func measure(_ bench: Bench) throws -> [Figure] {
        let folder = bench.home + "/exec"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { ProcessFacts.killAll(in: folder) }
        let port = bench.options.port
        let ours = try (0..<bench.trials(10, quick: 3)).map { _ in
            try trial(
                bench.options.program,
                ["exec", "--replicas", "1", "--dir", folder, "--port", String(port), "--server", bench.options.server]
                    + ["--", "sh", "-c", "date +%s.%N; \(bench.options.cli) -c -p $REDIS_PORT set key value"],
                in: folder)
        }
        let theirs = try (0..<bench.trials(5, quick: 1)).map { _ in
            try trial("sh", ["-c", script(bench, folder, ports: (0..<6).map { port + 200 + $0 })], in: folder)
        }
        return [
            Figure(
                name: "exec, until the command runs", unit: .seconds,
                subject: Series("clusterd exec", ours.map(\.began)), peer: Series("a script", theirs.map(\.began))),
            Figure(
                name: "exec, until all has ended", unit: .seconds,
                subject: Series("clusterd exec", ours.map(\.ended)), peer: Series("a script", theirs.map(\.ended))),
        ]
    }

    /// As the scripts of test images do, without their fixed waits: the command starts when every node says that the cluster is ok.
    private func script(_ bench: Bench, _ folder: String, ports: [Int]) -> String {
        let (server, cli) = (bench.options.server, bench.options.cli)
        return """
            set -e
            folder=$(mktemp -d \(folder)/script.XXXXXX)
            ports='\(ports.map(String.init).joined(separator: " "))'
            trap 'kill $pids; wait; rm -rf "$folder"' EXIT
            for port in $ports; do
                mkdir $folder/$port
                \(server) --port $port --dir $folder/$port --cluster-enabled yes --bind 127.0.0.1 --save '' \
                    --appendonly no --logfile redis.log --repl-diskless-sync-delay 0 &
                pids="$pids $!"
            done
            for port in $ports; do
                until [ "$(\(cli) -p $port ping 2>/dev/null)" = PONG ]; do sleep 0.05; done
            done
            \(cli) --cluster create \(ports.map { "127.0.0.1:\($0)" }.joined(separator: " ")) \
                --cluster-replicas 1 --cluster-yes >$folder/create.log
            for port in $ports; do
                until \(cli) -p $port cluster info | grep -q cluster_state:ok; do sleep 0.05; done
            done
            date +%s.%N
            \(cli) -c -p \(ports.first ?? 0) set key value
            """
    }

    /// The command prints the time at which it runs, and what its write returned.
    private func trial(
        _ program: String, _ arguments: [String], in folder: String
    ) throws -> (began: Double, ended: Double) {
        let output = folder + "/output"
        let (clock, began) = (Date().timeIntervalSince1970, seconds())
        try Child.run(program, arguments, output: output)
        let ended = seconds() - began
        let lines = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
        guard lines.contains("OK"), let time = lines.lazy.compactMap({ Double($0) }).first else {
            throw Trouble("\(program) did not write a key:\n\(Child.lastLines(of: output))")
        }
        guard ProcessFacts.processes(in: folder).isEmpty else { throw Trouble("\(program) left a server running") }
        return (time - clock, ended)
    }
}
