import ClusterModel
import Testing

@testable import Planner

/// Passwords are added, changed and removed so that every replica can log in to its master after each single step.
@Suite struct PasswordChangeTests {
    private typealias Node = PasswordChange.Node

    private static let none = NodeLogin(user: "", secret: "", asked: "")
    private static func login(_ password: String) -> NodeLogin { .init(user: "", secret: password, asked: password) }

    /// Carries out the steps, and checks after each one that every node could follow any other. Returns the kinds of
    /// steps in order.
    private func carryOut(_ nodes: [Node], bridges: Bool = true) -> [String] {
        var nodes = nodes
        var done: [String] = []
        for _ in 0..<20 {
            let steps = PasswordChange.steps(nodes, bridges: bridges)
            if steps.isEmpty { break }
            for (name, step) in steps {
                let index = nodes.firstIndex { $0.name == name }!
                switch step {
                case .set("masteruser", let value): nodes[index].live.user = value
                case .set("masterauth", let value): nodes[index].live.secret = value
                case .set(_, let value):
                    nodes[index].live.asked = value
                    nodes[index].acceptsBoth = false
                case .accept: nodes[index].acceptsBoth = true
                }
                let word =
                    switch step {
                    case .set(let name, let value): value.isEmpty ? "\(name)-" : name
                    case .accept: "accept"
                    }
                if done.last != word { done.append(word) }
                guard bridges else { continue }
                for replica in nodes {
                    for master in nodes {
                        let accepted = [master.live.asked] + (master.acceptsBoth ? [master.wanted.asked] : [])
                        #expect(
                            accepted.contains { replica.live.opens($0) },
                            "after \(word) of \(name): \(replica.live) cannot follow \(master.live)")
                    }
                }
            }
        }
        #expect(nodes.allSatisfy { $0.live == $0.wanted }, "\(nodes)")
        return done
    }

    private func nodes(_ live: NodeLogin, _ wanted: NodeLogin, _ names: [NodeName] = ["7000", "7001", "7002"]) -> [Node]
    {
        names.map { Node(name: $0, live: live, wanted: wanted) }
    }

    @Test func removingAPasswordNeverLocksAReplicaOut() {
        #expect(
            carryOut(nodes(Self.login("old"), Self.none)) == [
                "masteruser", "requirepass-", "masterauth-", "masteruser-",
            ])
    }

    @Test func addingAPasswordNeverLocksAReplicaOut() {
        #expect(
            carryOut(nodes(Self.none, Self.login("new"))) == ["masteruser", "masterauth", "requirepass", "masteruser-"])
    }

    @Test func changingAPasswordNeverLocksAReplicaOut() {
        #expect(
            carryOut(nodes(Self.login("old"), Self.login("new"))) == ["accept", "masterauth", "requirepass"])
    }

    /// A node that was restarted half-way has the configured password already.
    @Test(arguments: [("", "new"), ("old", ""), ("old", "new")])
    func aNodeThatHasTheNewPasswordDoesNotDelayTheOthers(old: String, new: String) {
        let (before, after) = (Self.login(old), Self.login(new))
        let mixed = nodes(before, after, ["7000", "7001"]) + nodes(after, after, ["7002"])
        var left = mixed
        for _ in 0..<20 {
            for (name, step) in PasswordChange.steps(left, bridges: true) {
                let index = left.firstIndex { $0.name == name }!
                switch step {
                case .set("masteruser", let value): left[index].live.user = value
                case .set("masterauth", let value): left[index].live.secret = value
                case .set(_, let value): left[index].live.asked = value
                case .accept: left[index].acceptsBoth = true
                }
            }
        }
        #expect(left.allSatisfy { $0.live == $0.wanted }, "\(left)")
    }

    @Test func withAnACLFileTheDefaultUserIsNotChanged() {
        #expect(carryOut(nodes(Self.login("old"), Self.login("new")), bridges: false) == ["masterauth", "requirepass"])
        #expect(carryOut(nodes(Self.login("old"), Self.none), bridges: false) == ["requirepass-", "masterauth-"])
    }

    @Test func configuredPasswordsNeedNoStep() {
        #expect(PasswordChange.steps(nodes(Self.login("p"), Self.login("p")), bridges: true).isEmpty)
    }

    @Test(arguments: [
        ("", "", "", true), ("", "", "p", false), ("", "p", "p", true), ("", "p", "", false),
        ("default", "p", "", true),
        ("default", "p", "p", true), ("default", "p", "q", false), ("replicator", "p", "q", true),
    ])
    func aLoginOpensAMasterIfUserAndPasswordMatch(user: String, secret: String, asked: String, opens: Bool) {
        #expect(NodeLogin(user: user, secret: secret, asked: "").opens(asked) == opens)
    }
}
