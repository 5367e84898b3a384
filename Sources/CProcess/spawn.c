#define _GNU_SOURCE 1
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct failure { int step; int error; };

static void fail(int pipe, int step) {
    struct failure what = {step, errno};
    ssize_t ignored = write(pipe, &what, sizeof what);
    (void)ignored;
    _exit(127);
}

static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct cl_spawn *order, int pipe) {
    if (setsid() < 0) fail(pipe, CL_STEP_SESSION);
    reset_signals();
    umask(077);
    struct rlimit limit;
    if (order->open_files > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = order->open_files < limit.rlim_max ? order->open_files : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    // The pipe goes to 3, so that everything above it can be closed in one call.
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(order->log, 1) < 0 || dup2(order->log, 2) < 0) {
        fail(pipe, CL_STEP_DESCRIPTORS);
    }
    if (pipe != 3) {
        if (dup3(pipe, 3, O_CLOEXEC) < 0) fail(pipe, CL_STEP_DESCRIPTORS);
        pipe = 3;
    }
    if (close_range(4, ~0U, 0) < 0) {
        for (int descriptor = 4; descriptor < 65536; descriptor++) close(descriptor);
    }
    if (order->set_user) {
        if (setgroups(order->group_count, order->groups) < 0 || setgid(order->gid) < 0 || setuid(order->uid) < 0) {
            fail(pipe, CL_STEP_USER);
        }
    }
    if (chdir(order->directory) < 0) fail(pipe, CL_STEP_DIRECTORY);
    execve(order->path, order->argv, order->envp);
    fail(pipe, CL_STEP_EXEC);
}

pid_t cl_spawn(const struct cl_spawn *order, int *step, int *error) {
    int ends[2];
    *step = CL_STEP_FORK;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        *error = errno;
        return -1;
    }
    // No handler of ours may run in the child before it has reset them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) become(order, ends[1]);
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        *error = fork_error;
        return -1;
    }
    struct failure what;
    ssize_t count;
    do { count = read(ends[0], &what, sizeof what); } while (count < 0 && errno == EINTR);
    close(ends[0]);
    if (count == 0) return pid;
    waitpid(pid, NULL, 0);
    *step = count == sizeof what ? what.step : CL_STEP_FORK;
    *error = count == sizeof what ? what.error : EIO;
    return -1;
}

int cl_pidfd_open(pid_t pid) { return pidfd_open(pid, 0); }
int cl_pidfd_send_signal(int pidfd, int signal) { return pidfd_send_signal(pidfd, signal, NULL, 0); }

int cl_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int cl_epoll_add(int epoll, int descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int cl_epoll_remove(int epoll, int descriptor) { return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL); }

int cl_epoll_wait(int epoll, uint64_t *tokens, int capacity) {
    struct epoll_event events[64];
    if (capacity > 64) capacity = 64;
    int count = epoll_wait(epoll, events, capacity, -1);
    for (int index = 0; index < count; index++) tokens[index] = events[index].data.u64;
    return count;
}
