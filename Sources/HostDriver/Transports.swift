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
    }

    private let state: Mutex<State>

    init(_ certificates: ClusterSpec.Certificates?) { state = Mutex(State(configured: certificates)) }

    /// The files are read again: they may have changed under the same names.
    func configure(_ certificates: ClusterSpec.Certificates?) {
        state.withLock { state in
            state.configured = certificates
            state.read = [:]
        }
    }

    func note(_ file: RedisConfFacts) {
        guard let port = file.port else { return }
        state.withLock { $0.started[port] = .some(ClusterSpec.Certificates(file)) }
    }

    /// nil: without TLS.
    func security(port: Int) throws(RedisClientError) -> TransportSecurity? {
        let found: Result<TransportSecurity, CertificateError>? = state.withLock { state in
            let started = state.started[port] ?? state.configured
            guard let certificates = started.map({ state.configured ?? $0 }) else { return nil }
            if let known = state.read[certificates] { return known }
            let result = Result<TransportSecurity, CertificateError> { () throws(CertificateError) in
                try TransportSecurity(certificates)
            }
            state.read[certificates] = result
            return result
        }
        switch found {
        case nil: return nil
        case .success(let security): return security
        case .failure(let error): throw .insecure(error.description)
        }
    }
}
