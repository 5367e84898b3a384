import ClusterModel

/// The ports of a new cluster: the first free ones, in the requested order.
package struct PortCandidates: Sendable, Equatable {
    package private(set) var pairs: [PortPair] = []

    /// The pairs that may be tried, in order; none overlaps an earlier one.
    package init(_ spec: ClusterSpec, engine: Engine, preferred: [Int] = []) {
        let wanted: [Int] =
            switch spec.ports {
            case .from(let first): Array(first...max(first, 65535))
            case .list(let ports): ports
            case .range(let range): Array(range)
            }
        var used = Set<Int>()
        var seen = Set<Int>()
        for client in preferred + wanted where (1...65535).contains(client) && seen.insert(client).inserted {
            let pair = PortPair(client: client)
            guard engine.isSevenOrLater || !pair.needsClusterPort else { continue }
            guard !used.contains(pair.client), !used.contains(pair.bus) else { continue }
            used.insert(pair.client)
            used.insert(pair.bus)
            pairs.append(pair)
            // Enough for any cluster, and for a long run of busy ports.
            if pairs.count >= spec.nodeCount + 1000 { break }
        }
    }
}

extension PortCandidates {
    /// The ports of a new cluster, which takes the ports that stale folders are named after.
    init(_ spec: ClusterSpec, engine: Engine, folders: [DirectoryFacts]) {
        let laidOut = folders.filter { $0.isLaidOutByHand(in: spec) }.compactMap(\.number).sorted()
        self.init(spec, engine: engine, preferred: spec.ports == .from(laidOut.first ?? -1) ? laidOut : [])
    }
}

extension DirectoryFacts {
    func isLaidOutByHand(in spec: ClusterSpec) -> Bool {
        path == spec.dataDirectory + "/" + (number.map(String.init) ?? "")
    }
}

extension Turn {
    enum PortChoice: Equatable {
        case chosen([PortPair])
        case waiting
        case refused(Failure)
    }

    /// Invariant: port-pair. One round of choosing ports for a cluster that is being formed. Level-triggered: reserved ports are taken,
    /// busy ones are skipped or refused, unknown ones are checked.
    mutating func choosePorts(_ candidates: [PortPair], count: Int) -> PortChoice {
        var chosen: [PortPair] = []
        var unknown: [PortPair] = []
        for pair in candidates where chosen.count + unknown.count < count {
            switch seen.ports[pair] {
            case .reserved: chosen.append(pair)
            case .busy(let busy):
                if spec.onPortConflict == .fail {
                    return .refused(
                        Failure(
                            .portTaken, busy.sentence,
                            hint: "end that process, choose other ports (cluster.ports, --port), or set "
                                + "cluster.on-port-conflict: next"))
                }
            case nil: unknown.append(pair)
            }
        }
        if chosen.count + unknown.count < count {
            return .refused(
                Failure(
                    .tooFewPorts,
                    "\(count) nodes need \(count) ports, and only \(chosen.count + unknown.count) are available"
                        + (seen.engine.isSevenOrLater
                            ? "" : "; a bus port is the port + 10000 before Redis 7, so ports end at 55535"),
                    hint: "set a longer range or list in cluster.ports, or another --port"))
        }
        guard unknown.isEmpty else {
            wait(.portReservations(unknown.count))
            if case .failed(let why, _) = ensure(.reserve(unknown, addresses: spec.bind)) {
                return .refused(
                    Failure(
                        .portUnusable, why,
                        hint: "set cluster.bind and cluster.ports to addresses and ports of this host")
                )
            }
            return .waiting
        }
        return .chosen(chosen)
    }

    enum OwnPort: Equatable {
        case ready
        case waiting
        /// The port stays busy: the node must move, or stay down.
        case lost(Observation.Busy)
        /// Its own process may hold the port, for an unknown time.
        case held
    }

    /// A formed node's own port: clusterd waits for it for `port-wait` and names the process that holds it.
    mutating func ownPort(_ member: Member) -> OwnPort {
        switch seen.ports[member.ports] {
        case .reserved: return .ready
        case nil:
            if case .failed(let why, _) = ensure(
                .reserve([member.ports], addresses: spec.bind), retryAfter: .seconds(1))
            {
                emit(
                    Finding(.portUnusable, .error, node: member.name, "clusterd does not start \(member.name): \(why)"))
                wait(.port(member.ports.client, of: member.name, Shown(why)))
            }
            return .waiting
        case .busy(let busy):
            let waited = now - busy.since
            let mayBeOwn = mayBeOwnProcess(busy.holder, member)
            // Until the cluster was ready once, no client knows its ports: the node moves immediately, as during forming.
            if !mayBeOwn, waited >= spec.portWait || decision.record?.everReady != true { return .lost(busy) }
            let again = busy.askedAt + .milliseconds(200)
            if now >= again {
                repeatReserve([member.ports])
            } else {
                wake(at: again)
            }
            if mayBeOwn, waited >= spec.portWait {
                emit(
                    Finding(
                        .portTaken, .error, node: member.name,
                        "clusterd neither starts nor moves \(member.name): \(busy.sentence), which may be \(member.name) itself",
                        hint: "sudo ss -ltnp 'sport = :\(busy.port)'"))
            } else {
                emit(
                    Finding(
                        .portTaken, .warning, node: member.name,
                        "\(member.name) waits \(spec.portWait.inMilliseconds / 1000) s for its port: \(busy.sentence)",
                        hint: "end that process; the node then starts immediately"))
            }
            wait(.port(busy.port, of: member.name, Shown(busy.sentence)))
            return mayBeOwn && waited >= spec.portWait ? .held : .waiting
        }
    }

    /// A node that has run before may itself be what holds its port, under another name or unseen. A second process on another port would
    /// be a second writer.
    func mayBeOwnProcess(_ holder: Observation.PortHolderFact, _ member: Member) -> Bool {
        switch holder {
        case .process(let pid): return member.process?.bootID == seen.bootID && pid == member.process?.pid
        case .hidden: return decision.record?.everReady == true
        case .other: return false
        }
    }

    /// Checks again the ports that were busy: an earlier check says nothing about now.
    mutating func repeatReserve(_ pairs: [PortPair]) {
        let effect = Effect.reserve(pairs, addresses: spec.bind)
        if seen.effects[effect.key]?.isUnderWay != true { order(effect) }
    }

    /// The next pair for a node that lost its own; none of another member's.
    mutating func nextPair(for member: Member) -> PortPair? {
        let others = members.filter { $0.name != member.name }.map(\.ports)
        let candidates = PortCandidates(spec, engine: seen.engine).pairs.filter { pair in
            pair != member.ports && !others.contains { $0.overlaps(pair) }
        }
        for pair in candidates {
            switch seen.ports[pair] {
            case .reserved: return pair
            case .busy: continue
            case nil:
                ensure(.reserve([pair], addresses: spec.bind))
                return nil
            }
        }
        return nil
    }
}
