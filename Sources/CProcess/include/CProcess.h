// What Swift's Glibc module cannot say: fork with clean hands, pidfds, epoll. No feature macros here: they would change
// glibc's types for everybody who imports this module.
#ifndef CPROCESS_H
#define CPROCESS_H

#include <stdint.h>
#include <sys/types.h>

// One process to start. Everything is prepared before the fork: the child calls only what is async-signal-safe.
struct cl_spawn {
    const char *path;          // the executable, absolute
    char *const *argv;
    char *const *envp;         // the whole environment
    const char *directory;     // working directory
    int log;                   // becomes stdout and stderr
    int set_user;              // whether to become uid, gid and groups
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
    uint64_t open_files;       // soft limit wanted; at most the hard one is taken, and it is never lowered
    int ends_with_parent;      // whether it is killed when the thread that starts it ends
    int cgroup;                // the open cgroup.procs of the cgroup that it joins, or -1
};

enum cl_spawn_step {
    CL_STEP_FORK = 1, CL_STEP_SESSION, CL_STEP_USER, CL_STEP_DIRECTORY, CL_STEP_DESCRIPTORS, CL_STEP_EXEC
};

// Starts it in its own session with default signals, umask 077 and no descriptor above 2. Returns the pid once the
// program runs, or -1 with the step that failed and its errno; nothing is left to be reaped then.
pid_t cl_spawn(const struct cl_spawn *order, int *step, int *error);

// A command that runs beside this process as if it had been started in its place: terminal, process group, directory,
// umask and descriptors are those that this process was given.
struct cl_guest {
    const char *path;          // the executable
    char *const *argv;
    char *const *envp;         // the whole environment
    const int *descriptors;    // what stays open besides 0, 1 and 2
    size_t descriptor_count;
    uint64_t ignored;          // signals: bit n - 1 is signal n
};

// As `cl_spawn`; the command is killed when the thread that starts it ends.
pid_t cl_spawn_guest(const struct cl_guest *guest, int *error);

// Which signals this process ignores.
uint64_t cl_ignored_signals(void);
// Makes it so, all others at their default and none blocked: for a process that is about to become another program.
void cl_set_signals(uint64_t ignored);

// Becomes another program, with every signal blocked and no descriptor above 2 but those that are kept. Returns, with an
// errno, only where that cannot be done; then everything is as it was.
int cl_exec(const char *path, char *const *argv, char *const *envp, const int *kept, size_t count);
// Lets all signals in, for a program that was begun with them blocked.
void cl_unblock_signals(void);

// The environment as it is now; setenv(3) in another thread may change it meanwhile.
char *const *cl_environment(void);

// Sees to it that children which end are kept until they are reaped. A parent that ignored SIGCHLD passes that on
// through exec, and then no exit status is ever known (waitid(2), NOTES).
void cl_keep_exit_statuses(void);

// Whether an extended attribute of a file says 1; -1 where it is not there, or cannot be read.
int cl_attribute_is_set(const char *path, const char *name);

int cl_pidfd_open(pid_t pid);
int cl_pidfd_send_signal(int pidfd, int signal);

// An epoll that tells which of the added descriptors can be read.
int cl_epoll_create(void);
int cl_epoll_add(int epoll, int descriptor, uint64_t token);
int cl_epoll_remove(int epoll, int descriptor);
// Fills up to `capacity` tokens; none after `timeout_ms`, which is no limit where it is negative; -1 with errno.
int cl_epoll_wait(int epoll, uint64_t *tokens, int capacity, int timeout_ms);

// Turns signals into bytes: each that arrives is written to a pipe, whose reading end is returned (-1 with errno), with
// CL_SIGNAL_OF_KERNEL added where no process sent it: a key on the terminal, or its end. A
// mask and sigwait would not do: the main thread waits in sigsuspend with an empty mask (dispatch_main, libdispatch).
#define CL_SIGNAL_OF_KERNEL 128
int cl_signal_pipe(const int *signals, int count);
// Writes into that pipe, once more, what an earlier one still holds, and closes that: signals that nobody had looked at
// when this program took the place of another.
void cl_signal_repeat(int earlier);

// Makes malloc return freed memory to the system. Without it, glibc raises its thresholds to the largest block that was
// freed, keeps twice as much at the top of the heap, and gives each thread a heap of its own.
void cl_return_freed_memory(void);

#endif
