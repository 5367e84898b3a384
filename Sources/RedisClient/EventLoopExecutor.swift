import NIOCore

/// Where connections do their work: any of several event loops, or a certain one.
package typealias ConnectionLoops = any EventLoopGroup

/// Runs a task on the event loop of its connections: the reply to a command continues the task without waking another thread. A task of
/// thousands of short round trips waits for a processor twice in each of them otherwise.
package final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    package init(_ loop: any EventLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
