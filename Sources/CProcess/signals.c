#define _GNU_SOURCE 1
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int signal_writer = -1;

static void tell(int signal, siginfo_t *info, void *context) {
    (void)context;
    int before = errno;
    unsigned char byte = (unsigned char)(signal | (info->si_code == SI_KERNEL ? CL_SIGNAL_OF_KERNEL : 0));
    ssize_t ignored = write(signal_writer, &byte, 1);
    (void)ignored;
    errno = before;
}

int cl_signal_pipe(const int *signals, int count) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    // A full pipe must not stop a signal handler.
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    signal_writer = ends[1];
    struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigset_t watched;
    sigemptyset(&watched);
    for (int index = 0; index < count; index++) {
        sigaction(signals[index], &action, NULL);
        sigaddset(&watched, signals[index]);
    }
    // Who started this process may have had them blocked, and a blocked signal stays so over exec (execve(2)).
    pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
    return ends[0];
}

void cl_signal_repeat(int earlier) {
    // Its writers ended with the program that had them.
    fcntl(earlier, F_SETFL, O_NONBLOCK);
    unsigned char byte;
    while (read(earlier, &byte, 1) == 1) {
        ssize_t ignored = write(signal_writer, &byte, 1);
        (void)ignored;
    }
    close(earlier);
}
