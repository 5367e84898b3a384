#define _GNU_SOURCE 1
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/close_range.h>
#include <sys/wait.h>
#include <unistd.h>

struct failure { int step; int error; };

static _Noreturn void fail(int pipe, int step) {
    struct failure what = {step, errno};
    ssize_t ignored = write(pipe, &what, sizeof what);
    (void)ignored;
    _exit(127);
}

// Bit n - 1 is signal n; a signal that is not ignored gets its default action, and none is blocked: which ones a parent
// blocks is its threads' affair, and comes through exec by accident.
static void set_signals(uint64_t ignored) {
    // Past glibc, which refuses to touch 32 and 33 (nptl(7)): an ancestor that ignored them would pass that on. All
    // zero is SIG_DFL in the kernel's own struct sigaction, which is smaller than this and begins with the handler.
    static const uint64_t standard[16];
    static const uint64_t ignoring[16] = {(uint64_t)(uintptr_t)SIG_IGN};
    for (int signal = 1; signal < NSIG; signal++) {
        const uint64_t *action = ignored >> (signal - 1) & 1 ? ignoring : standard;
        syscall(SYS_rt_sigaction, signal, action, NULL, (NSIG - 1) / 8);
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

// SIGKILL as soon as the thread that forked ends (prctl(2)), however that comes about.
static void end_with_parent(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have ended before that.
    if (getppid() != parent) _exit(127);
}

// Before anything else, so that what it takes of the host is counted there. Where that cannot be it stays where its parent is.
static void join_cgroup(int procs) {
    if (procs < 0) return;
    ssize_t ignored = write(procs, "0", 1);
    (void)ignored;
}

static void raise_open_files(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// Leaves 0, 1, 2 and the pipe, at 3, which exec closes. Returns where the pipe is.
static int arrange_descriptors(int log, int pipe) {
    // Both go out of the way first: a parent whose own 0, 1 or 2 is closed has them there.
    int kept_pipe = fcntl(pipe, F_DUPFD_CLOEXEC, 4);
    if (kept_pipe < 0) fail(pipe, CL_STEP_DESCRIPTORS);
    int kept_log = fcntl(log, F_DUPFD, 4);
    int null = open("/dev/null", O_RDONLY);
    if (kept_log < 0 || null < 0) fail(kept_pipe, CL_STEP_DESCRIPTORS);
    if (dup2(null, 0) < 0 || dup2(kept_log, 1) < 0 || dup2(kept_log, 2) < 0) fail(kept_pipe, CL_STEP_DESCRIPTORS);
    if (dup3(kept_pipe, 3, O_CLOEXEC) < 0) fail(kept_pipe, CL_STEP_DESCRIPTORS);
    // Before Linux 5.9, or where a sandbox forbids it, one by one.
    if (close_range(4, ~0U, 0) < 0) {
        for (int descriptor = 4; descriptor < 65536; descriptor++) close(descriptor);
    }
    return 3;
}

static _Noreturn void become(const void *of, pid_t parent, int pipe) {
    const struct cl_spawn *order = of;
    join_cgroup(order->cgroup);
    if (setsid() < 0) fail(pipe, CL_STEP_SESSION);
    set_signals(0);
    umask(077);
    pipe = arrange_descriptors(order->log, pipe);
    // Behind them, since it decides how high a descriptor may be.
    raise_open_files(order->open_files);
    if (order->set_user) {
        if (setgroups(order->group_count, order->groups) < 0 || setgid(order->gid) < 0 || setuid(order->uid) < 0) {
            fail(pipe, CL_STEP_USER);
        }
    }
    // Behind that, which would undo it (prctl(2)).
    if (order->ends_with_parent) end_with_parent(parent);
    // As that user: what it may not enter, it could not use either.
    if (chdir(order->directory) < 0) fail(pipe, CL_STEP_DIRECTORY);
    execve(order->path, order->argv, order->envp);
    fail(pipe, CL_STEP_EXEC);
}

static _Noreturn void become_guest(const void *of, pid_t parent, int pipe) {
    const struct cl_guest *guest = of;
    set_signals(guest->ignored);
    // What clusterd has opened goes, also what a library forgot to mark; what it was given stays.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (size_t index = 0; index < guest->descriptor_count; index++) fcntl(guest->descriptors[index], F_SETFD, 0);
    end_with_parent(parent);
    execve(guest->path, guest->argv, guest->envp);
    fail(pipe, CL_STEP_EXEC);
}

static void reap(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static pid_t fork_into(void body(const void *, pid_t, int), const void *order, int *step, int *error) {
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
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) body(order, parent, ends[1]);
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
    // The end of the pipe without a word: exec closed it. A child killed before that looks the same; whoever watches it
    // sees it end.
    if (count == 0) return pid;
    reap(pid);
    *step = count == sizeof what ? what.step : CL_STEP_FORK;
    *error = count == sizeof what ? what.error : EIO;
    return -1;
}

pid_t cl_spawn(const struct cl_spawn *order, int *step, int *error) { return fork_into(become, order, step, error); }

pid_t cl_spawn_guest(const struct cl_guest *guest, int *error) {
    int step;
    return fork_into(become_guest, guest, &step, error);
}

void cl_keep_exit_statuses(void) {
    struct sigaction current;
    if (sigaction(SIGCHLD, NULL, &current) < 0) return;
    if (current.sa_handler != SIG_IGN && !(current.sa_flags & SA_NOCLDWAIT)) return;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, NULL);
}

uint64_t cl_ignored_signals(void) {
    uint64_t ignored = 0;
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction current;
        if (sigaction(signal, NULL, &current) == 0 && current.sa_handler == SIG_IGN) ignored |= 1ULL << (signal - 1);
    }
    return ignored;
}

void cl_set_signals(uint64_t ignored) { set_signals(ignored); }

char *const *cl_environment(void) { return environ; }
