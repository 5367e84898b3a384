import ControlAPI
import Foundation
import Testing

/// Imports of a standalone engine, at rest and under a writer.
@Suite(.serialized) struct ImportTests {
    @Test func allTypesAreImportedAndASecondImportIsRefused() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--replicas", "0"])
            let source = try await Standalone(beside: daemon)
            defer { source.end() }
            try await CopiedKeys.fill([source.port])
            try await CopiedKeys.loadLibrary([source.port])
            try await daemon.ready()
            let imported = try daemon.command(["import", source.address, "--json"])
            #expect(imported.exit == 0, "\(imported.errors)")
            let held = try await CopiedKeys.contents([source.port])
            let document = try ControlJSON.decode(CopyDocument.self, from: Array(imported.output.utf8))
            #expect(document.keys == Int64(held.count))
            let ports = try daemon.masterPorts()
            #expect(try await CopiedKeys.contents(ports) == held)
            for port in ports { #expect(try await Redis.send(port, "FCALL", "copied", "0") == .integer(7)) }
            let again = try daemon.command(["import", source.address])
            #expect(again.exit == 4 && again.errors.contains("the cluster is not empty"), "\(again.errors)")
            try await daemon.stop()
        }
    }

    /// The writer adds, changes and deletes keys, and acknowledges an entry of a stream, which is in no notification.
    @Test func aSwitchUnderWritesLosesNoWrite() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--replicas", "0"])
            let source = try await Standalone(beside: daemon)
            defer { source.end() }
            try await CopiedKeys.fill([source.port], plain: 20_000)
            try await daemon.ready()
            let port = source.port
            let writer = Task {
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    _ = try? await Redis.send(port, "SET", "new:\(number % 500)", "\(number)", within: .seconds(1))
                    _ = try? await Redis.send(port, "DEL", "key\(number)", within: .seconds(1))
                    _ = try? await Redis.send(port, "XACK", "stream:1", "group", "1-1", within: .seconds(1))
                    _ = try? await Redis.send(port, "INCR", "counter", within: .seconds(1))
                }
            }
            let client = try daemon.begin(["import", source.address, "--switch", "--pause", "120s"])
            #expect(await eventually { !client.process.isRunning })
            writer.cancel()
            let errors = (try? String(contentsOfFile: client.errors, encoding: .utf8)) ?? ""
            #expect(client.process.terminationStatus == 0, "\(errors)")
            #expect(errors.contains("the cluster holds all keys"), "\(errors)")
            let held = try await CopiedKeys.contents([port])
            #expect(held["counter"] != nil)
            #expect(try await CopiedKeys.contents(daemon.masterPorts()) == held)
            await writer.value
            try await daemon.stop()
        }
    }

    @Test func anEmptiedSourceIsNoticed() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--replicas", "0"])
            let source = try await Standalone(beside: daemon)
            defer { source.end() }
            try await CopiedKeys.fill([source.port], plain: 2000)
            try await daemon.ready()
            let client = try daemon.begin(["import", source.address, "--follow"])
            let follows = await eventually {
                (try String(contentsOfFile: client.errors, encoding: .utf8)).contains("copying changes until")
            }
            #expect(follows)
            _ = try await Redis.send(source.port, "FLUSHALL")
            _ = try await Redis.send(source.port, "SET", "after", "1")
            let ports = try daemon.masterPorts()
            #expect(await eventually { try await CopiedKeys.names(ports) == ["after"] })
            kill(client.process.processIdentifier, SIGINT)
            #expect(await eventually { !client.process.isRunning })
            #expect(client.process.terminationStatus == 0)
            try await daemon.stop()
        }
    }

    @Test func aSourceThatCannotBeImportedIsRefused() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            let source = try await Standalone(beside: daemon, ["--requirepass", "secret"])
            defer { source.end() }
            try await daemon.ready()
            let port = source.port
            let node = try daemon.command(["import", "redis://127.0.0.1:\(daemon.base)"])
            #expect(node.exit == 1 && node.errors.contains("is a node of a cluster"), "\(node.errors)")
            let closed = try daemon.command(["import", "redis://127.0.0.1:\(daemon.base + 9)"])
            #expect(closed.exit == 1 && closed.errors.contains("nothing was copied"), "\(closed.errors)")
            let locked = try daemon.command(["import", source.address])
            #expect(locked.exit == 1 && locked.errors.contains("NOAUTH"), "\(locked.errors)")
            let wrong = try daemon.command(["import", "redis://:wrong@127.0.0.1:\(port)"])
            #expect(wrong.exit == 1 && wrong.errors.contains("authentication failed"), "\(wrong.errors)")
            for words in [["SET", "a", "1"], ["MOVE", "a", "3"]] {
                #expect(try await Redis.send(port, words, password: "secret").errorText == nil)
            }
            let several = try daemon.command(["import", "redis://:secret@127.0.0.1:\(port)"])
            #expect(several.exit == 4 && several.errors.contains("db3 1 keys"), "\(several.errors)")
            #expect(try await CopiedKeys.names(daemon.masterPorts()).isEmpty)
            try await daemon.stop()
        }
    }
}
