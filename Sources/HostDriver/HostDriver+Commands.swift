import ClusterModel
import Planner
import RESP
import RedisClient

/// Effects that send commands to a node.
extension HostDriver {
    static let commandLimit = Duration.seconds(2)

    func command(_ node: NodeName, _ contact: Effect.Contact, _ words: [String]) async -> Outcome {
        do {
            let answer = try await connection(node, contact).send(RESPCommand(words), timeout: Self.commandLimit)
            return answer.errorText.map { .failed($0) } ?? .done
        } catch {
            return .failed(error.description)
        }
    }

    /// One after the other, until one fails.
    func commands(_ node: NodeName, _ contact: Effect.Contact, _ all: [[String]]) async -> Outcome {
        for words in all {
            let outcome = await command(node, contact, words)
            if case .failed = outcome { return outcome }
        }
        return .done
    }

    static func meet(_ host: String, _ ports: PortPair) -> [String] {
        ["CLUSTER", "MEET", host, String(ports.client)] + (ports.needsClusterPort ? [String(ports.bus)] : [])
    }

    /// If the engine cannot fork, it only answers `ERR`; the reason is in its log (`rdbSaveBackground`, src/rdb.c).
    func save(_ node: NodeName, _ contact: Effect.Contact) async -> Outcome {
        let outcome = await command(node, contact, ["BGSAVE"])
        guard case .failed(let words) = outcome, words == "ERR" else { return outcome }
        let log = LogFile.lines("/proc/\(contact.process.pid)/cwd/redis.log", ofProcess: contact.process.pid)
        return .failed(SaveTrouble.words(log) ?? words)
    }

    /// Uses a separate connection, because a save may take long, and polls must not wait behind it. The end of the connection is
    /// the answer of an engine that exits.
    func shutDown(_ node: NodeName, _ contact: Effect.Contact, _ saving: Effect.Saving) async -> Outcome {
        let words: [String] =
            switch saving {
            case .asConfigured: ["SHUTDOWN"]
            case .always: ["SHUTDOWN", "SAVE"]
            case .never: ["SHUTDOWN", "NOSAVE"]
            }
        do throws(RedisClientError) {
            let connection = try await connect(contact)
            let limit = spec.supervision.stopTimeout * 10
            let answer: RESPValue
            do throws(RedisClientError) {
                answer = try await connection.send(RESPCommand(words), timeout: limit)
            } catch {
                if case .closed = error { return .done }
                throw error
            }
            await connection.close()
            return answer.errorText.map { .failed($0) } ?? .done
        } catch {
            return .failed(error.description)
        }
    }

    /// Compares and takes over in one step (invariants: one-writer, no-late-order): a takeover that arrives late, or at a
    /// second replica, must be an error and not a second writer. Once the cluster itself has declared the master dead
    /// (`fail`), its replicas may stand for election; each of them raises the current epoch before it requests votes, which
    /// invalidates the order.
    ///
    /// From 7.0 on, the first line allows the script if `replica-serve-stale-data no` rejects other scripts (MASTERDOWN).
    package static func promotionScript(for engine: Engine?) -> String {
        engine?.isSevenOrLater == true ? "#!lua flags=no-writes,allow-stale\n" + promotionScript : promotionScript
    }

    private static let promotionScript = """
        local info = redis.call('INFO', 'replication')
        if not string.find(info, 'role:slave', 1, true) then return redis.error_reply('ERR it is no replica') end
        if ARGV[5] ~= 'link-stays' and string.find(info, 'master_link_status:up', 1, true) then
          return redis.error_reply('ERR its link to the master is up')
        end
        local master, flagsOf = '', {}
        for line in string.gmatch(redis.call('CLUSTER', 'NODES'), '[^\\n]+') do
          local id, flags, followed = string.match(line, '^(%S+) %S+ (%S+) (%S+)')
          if flags then
            flagsOf[id] = ',' .. flags .. ','
            if string.find(flags, 'myself', 1, true) then master = followed end
          end
        end
        if master ~= ARGV[1] then return redis.error_reply('ERR it follows ' .. master) end
        if string.find(flagsOf[master] or '', ',fail,', 1, true) then
          local epoch = string.match(redis.call('CLUSTER', 'INFO'), 'cluster_current_epoch:(%d+)')
          if tonumber(epoch) > tonumber(ARGV[3]) then
            return redis.error_reply('ERR an election may be under way in epoch ' .. epoch)
          end
        end
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        if now > tonumber(ARGV[2]) then return redis.error_reply('ERR the order came too late') end
        if now < tonumber(ARGV[4]) then return redis.error_reply('ERR the clock was set back since the order') end
        return redis.call('CLUSTER', 'FAILOVER', 'TAKEOVER')
        """

    func promote(_ promotion: Effect.Promotion, _ contact: Effect.Contact) async -> Outcome {
        await command(
            promotion.replica, contact,
            [
                "EVAL", Self.promotionScript(for: promotion.engine), "0", promotion.masterID.text,
                String(promotion.deadline.milliseconds),
                String(promotion.epoch ?? 0), String(promotion.orderedAt?.milliseconds ?? 0),
                promotion.linkStays == true ? "link-stays" : "link-ends",
            ])
    }
}
