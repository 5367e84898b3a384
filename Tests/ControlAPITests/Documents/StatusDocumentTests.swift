import ClusterModel
import ControlAPI
import Testing

@Suite struct StatusDocumentTests {
    /// The documented example, on one line and with real times.
    private static let example = [
        #"{"schema":1,"cluster":{"name":"demo","state":"ok","phase":"ready","ready":true,"serving":true,"#,
        #""slotsCovered":16384,"masters":3,"replicas":3,"engine":"redis 7.0.15","paused":false,"#,
        #""dir":"/var/lib/clusterd","daemon":{"pid":4100,"version":"0.1.0","startedAt":"2026-01-01T00:00:00.000Z"}},"#,
        #""nodes":[{"name":"7000","host":"127.0.0.1","port":7000,"busPort":17000,"#,
        #""id":"0123456789abcdef0123456789abcdef01234567","pid":4211,"process":"running","wanted":"running","#,
        #""role":"master","replicaOf":null,"slots":["0-5460"],"health":"ok","link":null,"lagBytes":null,"keys":123,"#,
        #""memoryBytes":4100000,"maxMemoryBytes":null,"clients":4,"opsPerSecond":0,"#,
        #""engine":{"name":"redis","version":"7.0.15"},"pendingRestart":[],"startedAt":"2026-01-01T00:00:00.250Z","#,
        #""restarts":0,"lastExit":{"at":"2026-01-01T00:00:00.100Z","cause":"killed by SIGKILL","signal":9,"#,
        #""code":null}}],"#,
        #""shards":[{"master":"7000","replicas":["7003"],"slots":["0-5460"],"canFailOver":true,"why":null}],"#,
        #""findings":[{"code":"port-taken","severity":"info","node":"7006","shard":null,"#,
        #""message":"7005 is in use by python3 (pid 4182); took 7006","hint":null}],"#,
        #""operations":[{"id":"12","kind":"restart-node","node":"7002","state":"running","#,
        #""step":"waiting for 7002 to be in sync","#,
        #""steps":[{"text":"asked 7005 to take over","at":"2026-01-01T00:01:00.000Z","state":"done"}],"#,
        #""startedAt":"2026-01-01T00:01:00.000Z","endedAt":null,"error":null}]}"#,
    ].joined()

    /// The same, with the keys that the example omits: null, never absent.
    private static let written =
        example
        .replacing(
            #""code":null}"#,
            with: #""code":null,"kind":null,"pid":null,"statusKnown":null,"coreDumped":null,"outOfMemory":null,"#
                + #""uptimeMs":null,"memoryBytes":null,"log":null},"directory":null,"log":null,"residentBytes":null,"#
                + #""memoryLimitBytes":null,"cpuSeconds":null,"cgroup":null"#
        )
        .replacing(#""hint":null}"#, with: #""hint":null,"details":null}"#)
        .replacing(#""error":null}"#, with: #""error":null,"moves":null,"parts":null,"notes":null}"#)

    private func text(_ value: some Encodable, pretty: Bool = false) throws -> String {
        String(decoding: try ControlJSON.encode(value, pretty: pretty), as: UTF8.self)
    }

    @Test func theDocumentedExampleSurvivesARoundTrip() throws {
        let document = try ControlJSON.decode(StatusDocument.self, from: Array(Self.example.utf8))
        #expect(document.nodes.first?.lastExit?.signal == 9)
        #expect(
            document.shards == [ShardDocument(master: "7000", replicas: ["7003"], slots: ["0-5460"], canFailOver: true)]
        )
        #expect(try text(document) == Self.written)
    }

    @Test func indentedTextIsTheSameDocument() throws {
        let document = try ControlJSON.decode(StatusDocument.self, from: Array(Self.example.utf8))
        let pretty = try ControlJSON.encode(document, pretty: true)
        #expect(
            String(decoding: pretty, as: UTF8.self).hasPrefix("{\n  \"schema\": 1,\n  \"cluster\": {\n    \"name\": "))
        #expect(try ControlJSON.decode(StatusDocument.self, from: pretty) == document)
    }

    @Test func anInapplicableMemberIsNullAndNeverAbsent() throws {
        let node = NodeDocument(
            name: "7000", host: "127.0.0.1", port: 7000, busPort: 17000, process: .backoff, wanted: .running,
            health: .down)
        let expected = [
            #"{"name":"7000","host":"127.0.0.1","port":7000,"busPort":17000,"id":null,"pid":null,"#,
            #""process":"backoff","wanted":"running","role":null,"replicaOf":null,"slots":[],"health":"down","#,
            #""link":null,"lagBytes":null,"keys":null,"memoryBytes":null,"maxMemoryBytes":null,"clients":null,"#,
            #""opsPerSecond":null,"engine":null,"pendingRestart":[],"startedAt":null,"restarts":0,"lastExit":null,"#,
            #""directory":null,"log":null,"residentBytes":null,"memoryLimitBytes":null,"cpuSeconds":null,"#,
            #""cgroup":null}"#,
        ].joined()
        #expect(try text(node) == expected)
        let event = EventDocument(
            at: Timestamp(WallTime(milliseconds: 0)), seq: 7, code: "ready", severity: .info, message: "ready")
        #expect(
            try text(event) == #"{"at":"1970-01-01T00:00:00.000Z","seq":7,"code":"ready","severity":"info","#
                + #""host":null,"cluster":null,"node":null,"shard":null,"message":"ready","data":null}"#)
    }

    @Test func absentMembersAreReadAsNilAndUnknownOnesAreSkipped() throws {
        let short = #"{"code":"x","severity":"error","message":"m","tomorrow":[1,{"a":null}]}"#
        let finding = try ControlJSON.decode(FindingDocument.self, from: Array(short.utf8))
        #expect(finding == FindingDocument(code: "x", severity: .error, message: "m"))
    }

    @Test func errorsHaveTheDocumentedShape() throws {
        let error = ControlError("unknown-node", "there is no node 7009", exit: ExitCode.usage)
        #expect(
            try text(ErrorDocument(error))
                == #"{"error":{"code":"unknown-node","message":"there is no node 7009","hint":null,"exit":64}}"#)
    }

    @Test func everyCharacterSurvivesItsEscape() throws {
        let strange = String(String.UnicodeScalarView((0..<0x3000).compactMap(Unicode.Scalar.init))) + "🙂\u{2028}"
        let finding = FindingDocument(code: "x", severity: .info, message: strange)
        let bytes = try ControlJSON.encode(finding)
        #expect(!bytes.contains { $0 < 0x20 })
        let back = try ControlJSON.decode(FindingDocument.self, from: bytes)
        #expect(Array(back.message.unicodeScalars) == Array(strange.unicodeScalars))
    }

    @Test func anyJSONSurvivesARoundTrip() throws {
        let value = JSONValue.object([
            "b": .array([.null, .bool(true), .integer(-3), .number(1.5), .string("a\"\\\n\u{1}")]),
            "a": .object([:]), "c": .array([]), "d": .integer(.max),
        ])
        #expect(try ControlJSON.decode(JSONValue.self, from: try ControlJSON.encode(value)) == value)
        #expect(
            try text(value)
                == #"{"a":{},"b":[null,true,-3,1.5,"a\"\\\n\u0001"],"c":[],"d":9223372036854775807}"#)
        #expect(try text(JSONValue.number(.infinity)) == "null")
    }
}
