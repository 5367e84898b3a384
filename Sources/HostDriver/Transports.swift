import ClusterModel
import RedisClient
import Synchronization

/// Which ports speak TLS, and with which certificates clusterd goes there. What a node's redis.conf says decides, since the node was
/// started with it: nobody is asked without TLS because an attempt with it failed.
final class Transports: Sendable {
    private struct State {
        var configured: ClusterSpec.Certificates?
        /// By client port; a port that is not here is as configured.
        var started: [Int: ClusterSpec.Certificates?] = [:]
        var read: [ClusterSpec.Certificates: Result<TransportSecurity, CertificateError>] = [:]
        /// What is read for an earlier configuration is not kept for a later one.
        var generation = 0
    }

    private let state: Mutex<State>

    init(_ certificates: ClusterSpec.Certificates?) { state = Mutex(State(configured: certificates)) }

    /// The files are read again: they may have changed under the same names.
    func configure(_ certificates: ClusterSpec.Certificates?) {
        state.withLock { state in
            state.configured = certificates
            state.read = [:]
            state.generation += 1
        }
    }

    func note(_ file: RedisConfFacts) {
        guard let port = file.port else { return }
        state.withLock { $0.started[port] = .some(ClusterSpec.Certificates(file)) }
    }

    /// nil: without TLS.
    func certificates(port: Int) -> ClusterSpec.Certificates? {
        state.withLock { state in
            let started = state.started[port] ?? state.configured
            return started.map { state.configured ?? $0 }
        }
    }

    /// nil: their files were not read yet.
    func known(_ certificates: ClusterSpec.Certificates) -> Result<TransportSecurity, CertificateError>? {
        state.withLock { $0.read[certificates] }
    }

    /// Reads their files, and so is not for the threads of the loop.
    func read(_ certificates: ClusterSpec.Certificates) -> Result<TransportSecurity, CertificateError> {
        let generation = state.withLock(\.generation)
        let result = Result<TransportSecurity, CertificateError> { () throws(CertificateError) in
            try TransportSecurity(certificates)
        }
        state.withLock { state in
            if state.generation == generation { state.read[certificates] = result }
        }
        return result
    }
}
