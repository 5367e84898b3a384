import ClusterModel
import Testing

struct RedisConfFileTests {
    @Test func directivesAreReadWithTheirLineNumbers() {
        let file = RedisConfFile(
            Array(
                """
                # a comment
                Port 7000
                  save 900 1\t
                save ""

                dbfilename "my dump.rdb"
                appendfilename 'it\\'s.aof'
                requirepass "a\\x41\\n\\"b"
                dir "/unclosed
                """.utf8))
        #expect(file.directives.map(\.line) == [2, 3, 4, 6, 7, 8])
        #expect(file.value("port") == "7000" && file.arguments("save") == [""])
        #expect(file.value("dbfilename") == "my dump.rdb" && file.value("appendfilename") == "it's.aof")
        #expect(file.value("requirepass") == "aA\n\"b")
        #expect(file.malformedLines == [9])
    }

    @Test(arguments: [
        ([], "x"), (["yes"], "x yes"), ([""], "x \"\""), (["a b"], "x \"a b\""),
        (["\"'\\\n\u{1}"], "x \"\\\"'\\\\\\n\\x01\""),
        (["/srv/é"], "x /srv/é"), (["900", "1"], "x 900 1"),
    ])
    func argumentsAreQuotedIfNecessary(arguments: [String], line: String) {
        #expect(RedisConfFile.render(name: "x", arguments: arguments) == line)
    }

    @Test func aDirectiveSurvivesARoundTrip() {
        var random = SplitMix64(seed: 5)
        let letters = Array("ab \"'\\#\n\r\t\u{7}\u{8}\u{1f}\u{7f}é=-")
        for _ in 0..<2000 {
            let arguments = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                String(
                    (0..<Int.random(in: 0...6, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a"
                    })
            }
            let line = RedisConfFile.render(name: "name", arguments: arguments)
            #expect(RedisConfFile(Array(line.utf8)).arguments("name") == arguments, "\(line)")
        }
    }

    @Test func generatedFilesAreDistinguishedFromForeignOnes() {
        let own = RedisConfFacts(fileName: "redis.conf", Array("# Written by clusterd for node 7000\nport 7000\n".utf8))
        #expect(own.isGenerated && own.port == 7000 && own.fileNames.isEmpty && own.appendOnly == nil)
        let text =
            "port 7001\nappendonly YES\ndbfilename x.rdb\nappenddirname \"a dir\"\ncluster-config-file n.conf\ndir ./\n"
        let theirs = RedisConfFacts(fileName: "7001.conf", Array(text.utf8))
        #expect(!theirs.isGenerated && theirs.appendOnly == true && theirs.clusterConfigFile == "n.conf")
        #expect(theirs.dir == "./" && theirs.fileNames == ["dbfilename x.rdb", "appenddirname \"a dir\""])
    }

    @Test func theNamesOfDataFilesAreGuessed() {
        func lines(_ names: [String], _ manifests: [String] = []) -> [String] {
            DataFileNames(guessedFrom: names, manifests: manifests).lines
        }
        #expect(lines(["dump.rdb", "other.rdb"]).isEmpty)
        #expect(lines(["dump-30001.rdb", "temp-99.rdb"]) == ["dbfilename dump-30001.rdb"])
        #expect(lines(["a.rdb", "b.rdb"]).isEmpty)
        #expect(lines(["appendonly-30001.aof"]) == ["appendfilename appendonly-30001.aof"])
        #expect(
            lines(["appendonlydir-30001"], ["appendonlydir-30001/appendonly-30001.aof.manifest"])
                == ["appendfilename appendonly-30001.aof", "appenddirname appendonlydir-30001"])
    }
}
