import Glibc

/// RLIMIT_NOFILE of this process (getrlimit(2)), which children inherit.
package enum OpenFileLimit {
    package static var soft: UInt64 { UInt64(current.rlim_cur) }
    package static var hard: UInt64 { UInt64(current.rlim_max) }

    /// Raises the soft limit, at most to the hard limit; never lowers it. Returns the new value.
    @discardableResult
    package static func raiseSoft(to wanted: UInt64) -> UInt64 {
        var limit = current
        guard limit.rlim_cur < rlim_t(wanted) else { return UInt64(limit.rlim_cur) }
        limit.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return soft
    }

    private static var current: rlimit {
        var limit = rlimit()
        let code = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        precondition(code == 0, "getrlimit(RLIMIT_NOFILE) fails only on a wrong address")
        return limit
    }
}
