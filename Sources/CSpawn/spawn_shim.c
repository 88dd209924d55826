#include "spawn_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNSHARE (1u << 1)  // CLOSE_RANGE_UNSHARE of linux/close_range.h
#define STACK (16u << 10)
// Higher than any number that is passed.
#define ABOVE 200

struct start {
  const char *path;
  char *const *arguments;
  const struct passed *passed;
  int error;
};

// From here to exec: system calls only, in the memory of the caller, whose thread waits.

static void close_between(int from, int to) {
  if (from <= to) syscall(SYS_close_range, (unsigned)from, (unsigned)to, 0u);
}

// Leaves the table of the caller's descriptors for one of our own, without those that nobody needs. Where the kernel cannot
// (5.9), all are copied; they are closed by exec.
static int leave_table(const struct passed *passed) {
  int one = passed[0].descriptor, other = passed[1].descriptor;
  int last = one > other ? one : other, first = one < other ? one : other;
  if (last < 3) last = 2;
  // The call that unshares copies what lies outside of its range.
  if (syscall(SYS_close_range, (unsigned)last + 1, ~0u, UNSHARE) != 0) return (int)syscall(SYS_unshare, CLONE_FILES);
  // A gap that stays open is closed by exec.
  if (first < 3) first = last;
  close_between(3, first - 1);
  close_between(first + 1, last - 1);
  return 0;
}

static int begin(void *argument) {
  struct start *start = argument;
  const struct passed *passed = start->passed;
  int null, copies[2] = {-1, -1};
  if (leave_table(passed) != 0) goto failed;
  // Out of the way first: what one is to become the other one may be.
  for (int i = 0; i < 2; i++) {
    if (passed[i].descriptor < 0) continue;
    copies[i] = fcntl(passed[i].descriptor, F_DUPFD_CLOEXEC, ABOVE);
    if (copies[i] < 0) goto failed;
  }
  for (int i = 0; i < 2; i++) {
    if (copies[i] >= 0 && dup2(copies[i], passed[i].number) < 0) goto failed;
  }
  null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) goto failed;
  for (int number = 0; number < 3; number++) {
    if (dup2(null, number) < 0) goto failed;
  }
  char *const nothing[] = {NULL};
  execve(start->path, start->arguments, nothing);
failed:
  start->error = errno;
  _exit(127);
}

pid_t spawn_shim(const char *path, char *const arguments[], const struct passed passed[2]) {
  // The new process runs on this, while its caller waits in vfork's way.
  _Alignas(16) char stack[STACK];
  struct start start = {.path = path, .arguments = arguments, .passed = passed};
  // The kernel's own call: the C library's leaves its own signals out. No handler of ours may run in the new process, which
  // is in our memory; and a cancel that comes before the shim is ready waits for it.
  unsigned long all = ~0ul, before;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  pid_t pid = clone(begin, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &start);
  int error = pid < 0 ? errno : start.error;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
  if (error == 0) return pid;
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return -error;
}
