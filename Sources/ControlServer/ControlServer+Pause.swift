import NIOCore

extension ControlServer {
    /// Leaves new connections waiting in the kernel, for `resume` or for the program that continues with the socket. Ends
    /// streams. Gives open connections with a current or imminent request until `limit` to finish.
    package func pause(within limit: Duration) async {
        try? await listener.setOption(.autoRead, value: false).get()
        let open = connections.all
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ControlConnection.Finish()) }
        let end = listener.eventLoop.now + TimeAmount(limit)
        for channel in open {
            let isOver = listener.eventLoop.makePromise(of: Void.self)
            let timer = listener.eventLoop.scheduleTask(deadline: end) { isOver.succeed() }
            channel.closeFuture.whenComplete { _ in isOver.succeed() }
            try? await isOver.futureResult.get()
            timer.cancel()
        }
    }

    package func resume() async {
        try? await listener.setOption(.autoRead, value: true).get()
    }
}
