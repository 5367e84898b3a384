#define _GNU_SOURCE 1
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <unistd.h>

static void close_on_exec(unsigned first) {
    // Before Linux 5.11, or where a sandbox forbids it, one by one.
    if (close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    for (int descriptor = (int)first; descriptor < 65536; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

int cl_exec(const char *path, char *const *argv, char *const *envp, const int *kept, size_t count) {
    // The mask outlives exec, and so does what is pending (execve(2)): a signal that comes before the next program has its
    // handlers waits for them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // Also what a library has opened and forgot to mark.
    close_on_exec(3);
    for (size_t index = 0; index < count; index++) fcntl(kept[index], F_SETFD, 0);
    execve(path, argv, envp);
    int error = errno;
    for (size_t index = 0; index < count; index++) fcntl(kept[index], F_SETFD, FD_CLOEXEC);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void cl_unblock_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}
