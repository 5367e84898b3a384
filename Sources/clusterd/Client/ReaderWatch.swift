import Glibc

/// Ends the process when the reader of stdout exits, even while there is nothing to write: `clusterd events -f | head -1` ends
/// together with `head`, not at the next event (as tail -f does).
enum ReaderWatch {
    /// Starts the watch, for commands that run until they are interrupted.
    static func start() {
        var thread = pthread_t()
        // Without a thread, the next write detects it.
        if pthread_create(&thread, nil, body, nil) == 0 { pthread_detach(thread) }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        // poll(2) reports a closed reader even if no event is requested. It never does for a file.
        var stdout = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        while poll(&stdout, 1, -1) < 0 {
            guard errno == EINTR else { return nil }
        }
        if stdout.revents & Int16(POLLERR | POLLHUP) != 0 { Output.endWithReader() }
        return nil
    }
}
