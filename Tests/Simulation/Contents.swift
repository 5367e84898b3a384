import ClusterModel

/// The writes of a simulated cluster's clients. Each write is one key, or one library of functions.
enum Contents: CaseIterable {
    /// Keys of database 0.
    case firstDatabase
    /// Keys of databases 0 to 3, in turn (Valkey 9, `cluster-databases 4`).
    case allDatabases
    /// Keys of databases 1 to 3: database 0 stays empty.
    case otherDatabases
    /// Libraries of functions, and no key (FUNCTION LOAD, since Redis 7.0).
    case libraries

    /// The first version that supports it.
    var engine: Engine {
        switch self {
        case .firstDatabase, .libraries: Engine(name: .redis, version: EngineVersion(7, 0, 15))
        case .allDatabases, .otherDatabases: Engine(name: .valkey, version: EngineVersion(9, 0, 0))
        }
    }

    private var databases: ClosedRange<Int>? {
        switch self {
        case .firstDatabase: 0...0
        case .allDatabases: 0...3
        case .otherDatabases: 1...3
        case .libraries: nil
        }
    }

    /// INFO keyspace after this many writes: the keys of each database that has any.
    func keyspace(_ writes: Int) -> [Int: Int] {
        guard let databases, writes > 0 else { return [:] }
        let (each, rest) = writes.quotientAndRemainder(dividingBy: databases.count)
        var keys: [Int: Int] = [:]
        for (place, database) in databases.enumerated() { keys[database] = each + (place < rest ? 1 : 0) }
        return keys.filter { $0.value > 0 }
    }

    /// INFO memory `number_of_libraries`.
    func libraries(_ writes: Int) -> Int { databases == nil ? writes : 0 }

    /// The data that a survey finds in a file with this many of the writes.
    func evidence(_ writes: Int) -> DataEvidence {
        if libraries(writes) > 0 { return .functions }
        return keyspace(writes).isEmpty ? .noKeys : .keys
    }

    func load(_ writes: Int) -> NodeReport.Load {
        let keyspace = keyspace(writes)
        var load = NodeReport.Load(
            keys: keyspace.values.reduce(0) { $0 + Int64($1) }, memoryBytes: 0, maxMemoryBytes: nil, clients: 1,
            operationsPerSecond: 0)
        load.libraries = Int64(libraries(writes))
        load.otherDatabases = keyspace.keys.filter { $0 != 0 }.sorted()
        return load
    }
}
