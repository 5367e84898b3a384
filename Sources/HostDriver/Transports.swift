import ClusterModel
import RedisClient
import Synchronization

/// The ports that use TLS, and the certificates with which clusterd connects. A node's redis.conf decides, because the node was
/// started with it: clusterd never falls back to a connection without TLS.
final class Transports: Sendable {
    private struct State {
        var configured: ClusterSpec.Certificates?
        /// By client port; other ports are as configured.
        var started: [Int: ClusterSpec.Certificates?] = [:]
        var read: [ClusterSpec.Certificates: Result<TransportSecurity, CertificateError>] = [:]
        /// Certificates that were read for an earlier configuration are not used for a later one.
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

    /// nil: the files have not been read yet.
    func known(_ certificates: ClusterSpec.Certificates) -> Result<TransportSecurity, CertificateError>? {
        state.withLock { $0.read[certificates] }
    }

    /// Reads the files, and therefore must not run on the threads of the loop.
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
