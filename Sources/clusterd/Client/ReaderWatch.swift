import Glibc

/// Whoever reads our results may leave while there are none: `clusterd events -f | head -1` ends with `head`, not with the
/// next event (as tail -f does).
enum ReaderWatch {
    /// For commands that go on until somebody ends them.
    static func start() {
        var thread = pthread_t()
        // Where there is no thread to be had, the next write tells.
        if pthread_create(&thread, nil, body, nil) == 0 { pthread_detach(thread) }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        // No event is asked for: what is told all the same is that the other side is gone. A file never tells.
        var stdout = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        while poll(&stdout, 1, -1) < 0 {
            guard errno == EINTR else { return nil }
        }
        if stdout.revents & Int16(POLLERR | POLLHUP) != 0 { Output.endWithReader() }
        return nil
    }
}
