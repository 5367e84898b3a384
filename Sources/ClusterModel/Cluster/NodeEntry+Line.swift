/// Why a line does not describe a node.
struct NodeLineTrouble: Error {
    var why: String

    init(_ why: String) { self.why = why }
}

extension NodeEntry {
    enum Strictness {
        /// nodes.conf: anything that the engine itself would not have written is damage.
        case file
        /// CLUSTER NODES of any engine, including newer ones: unknown parts are skipped.
        case reply
    }

    /// `ID ADDRESS FLAGS MASTER PING PONG EPOCH LINK [SLOTS…]`, split at white space.
    init(fields: [ArraySlice<UInt8>], _ strictness: Strictness) throws(NodeLineTrouble) {
        guard fields.count >= 8 else { throw NodeLineTrouble("has \(fields.count) fields of at least 8") }
        guard let id = NodeID(bytes: fields[0]) else { throw NodeLineTrouble("does not begin with a node id") }
        let parts = fields[1].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard let (host, ports) = Self.address(parts[0]) else {
            throw NodeLineTrouble("has no address ip:port@bus-port")
        }
        self.init(id: id, host: host, ports: ports)
        if parts.count > 1, !parts[1].isEmpty { hostname = String(decoding: parts[1], as: UTF8.self) }
        try readAuxiliary(parts.dropFirst(2), strictness)
        try readFlags(fields[2], strictness)
        if !fields[3].elementsEqual("-".utf8) {
            guard let master = NodeID(bytes: fields[3]) else {
                throw NodeLineTrouble("names a master that is no node id")
            }
            masterID = master
        }
        guard let ping = fields[4].signedDecimal, let pong = fields[5].signedDecimal, let epoch = fields[6].decimal
        else {
            throw NodeLineTrouble("has something else than numbers for ping, pong and epoch")
        }
        (pingSent, pongReceived, configEpoch) = (ping, pong, epoch)
        linkConnected = fields[7].elementsEqual("connected".utf8)
        if strictness == .file, !linkConnected, !fields[7].elementsEqual("disconnected".utf8) {
            throw NodeLineTrouble("has no link state (connected, disconnected)")
        }
        try readSlots(fields.dropFirst(8), strictness)
    }

    /// `host:port@bus`; the last colon separates, so IPv6 addresses need no brackets. Engines before 4.0 wrote no bus port.
    private static func address(_ text: ArraySlice<UInt8>) -> (String, PortPair)? {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let numbers = text[(colon + 1)...].split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard numbers.count <= 2, let client = port(numbers[0]) else { return nil }
        let host = String(decoding: text[..<colon], as: UTF8.self)
        guard numbers.count == 2 else { return (host, PortPair(client: client)) }
        guard let bus = port(numbers[1]) else { return nil }
        return (host, PortPair(client: client, bus: bus))
    }

    private static func port(_ text: ArraySlice<UInt8>) -> Int? {
        text.decimal.flatMap { $0 <= 65535 ? Int($0) : nil }
    }

    private mutating func readAuxiliary(
        _ parts: ArraySlice<ArraySlice<UInt8>>, _ strictness: Strictness
    ) throws(NodeLineTrouble) {
        for part in parts {
            let halves = part.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
            if halves.count == 2, !halves[0].isEmpty {
                auxiliary.append(String(decoding: halves[0], as: UTF8.self), String(decoding: halves[1], as: UTF8.self))
            } else if strictness == .file {
                throw NodeLineTrouble("has a field behind its address that is not name=value")
            }
        }
        if strictness == .file, auxiliary["shard-id"] != nil, shardID == nil {
            throw NodeLineTrouble("has a shard id that is not 40 hexadecimal digits")
        }
    }

    private mutating func readFlags(_ text: ArraySlice<UInt8>, _ strictness: Strictness) throws(NodeLineTrouble) {
        for word in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            if let flag = Flags(word: word) {
                flags.formUnion(flag)
            } else if strictness == .file {
                throw NodeLineTrouble("has the unknown flag '\(String(decoding: word.prefix(20), as: UTF8.self))'")
            }
        }
        if strictness == .file, flags.isSuperset(of: [.master, .replica]) {
            throw NodeLineTrouble("is of a master and replica at once")
        }
    }

    private mutating func readSlots(
        _ fields: ArraySlice<ArraySlice<UInt8>>, _ strictness: Strictness
    ) throws(NodeLineTrouble) {
        var ranges: [ClosedRange<Int>] = []
        for field in fields {
            if let range = SlotSet.range(field) {
                ranges.append(range)
            } else if let (slot, arrow, node) = Self.openSlot(field) {
                if arrow == UInt8(ascii: ">") { migrating.append(OpenSlot(slot: slot, node: node)) }
                if arrow == UInt8(ascii: "<") { importing.append(OpenSlot(slot: slot, node: node)) }
            } else if strictness == .file {
                throw NodeLineTrouble("has '\(String(decoding: field.prefix(20), as: UTF8.self))' among its slots")
            }
        }
        slots = SlotSet(ranges)
        if strictness == .file, slots.count != ranges.reduce(0, { $0 + $1.count }) {
            throw NodeLineTrouble("has a slot twice")
        }
    }

    /// `[93->-ID]` is migrating to ID, `[93-<-ID]` is being imported from ID.
    private static func openSlot(_ field: ArraySlice<UInt8>) -> (slot: Int, arrow: UInt8, node: NodeID)? {
        guard field.count > 3, field.first == UInt8(ascii: "["), field.last == UInt8(ascii: "]") else { return nil }
        let parts = field.dropFirst().dropLast().split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, let range = SlotSet.range(parts[0]), let node = NodeID(bytes: parts[2]),
            parts[1].count == 1, let arrow = parts[1].first, arrow == UInt8(ascii: ">") || arrow == UInt8(ascii: "<")
        else { return nil }
        return (range.lowerBound, arrow, node)
    }

    /// The line as `engine` reads it, without its newline.
    func line(for engine: Engine) -> String {
        var fields = [id.text, address(for: engine), flags.description, masterID?.text ?? "-"]
        fields += ["\(pingSent)", "\(pongReceived)", "\(configEpoch)", linkConnected ? "connected" : "disconnected"]
        fields += slots.texts
        fields += migrating.map { "[\($0.slot)->-\($0.node)]" } + importing.map { "[\($0.slot)-<-\($0.node)]" }
        return fields.joined(separator: " ")
    }

    /// 6.2 knows `ip:port@bus` only; 7.0 takes everything after the first comma as the hostname; from 7.2 on, a field with a name that the
    /// engine does not know makes the file corrupt (`auxFieldHandlers`, src/cluster_legacy.c), so a Redis gets none of those that only
    /// Valkey has.
    private func address(for engine: Engine) -> String {
        let address = "\(host):\(ports)"
        guard engine.isSevenOrLater else { return address }
        let known = auxiliary.fields.filter { engine.name == .valkey || Self.redisAuxiliary.contains($0.name) }
        guard engine.knowsShardIDs, !known.isEmpty else { return hostname.map { "\(address),\($0)" } ?? address }
        return ([address, hostname ?? ""] + known.map { "\($0.name)=\($0.value)" }).joined(separator: ",")
    }

    private static let redisAuxiliary = ["shard-id", "nodename", "tcp-port", "tls-port"]
}

extension NodeID {
    init?(bytes: ArraySlice<UInt8>) {
        self.init(digits: bytes)
    }
}
