// belfry-shim: one small process for each attempt of a run. It outlives the agent.
//
//   belfry-shim RUNFOLDER          (standard input, output and error: /dev/null; SIGTERM cancels,
//                                   SIGUSR1 asks not to start and is too late when it has)
//
// The run folder holds, made by the agent before it starts the shim:
//   spec      what to run; read once (spec.h)
//   status    4096 bytes that are already allocated: who made it, that it started, how it ended (status.h).
//             The shim holds a POSIX record lock on it for its whole life: whoever wants to know whether the shim is
//             alive, and under which pid, asks with F_GETLK, and no reuse of pids can fool him.
//   work/     the job's working folder
// and, made by the shim when the job writes its first byte:
//   output    a bounded record of standard output and error (output.h)
//
// Rules of this program: C only because nothing of a language runtime may run between fork and exec; no heap at all;
// every descriptor close-on-exec; every wait bounded. What it cannot do, it says in the exit record.
//
// Exit codes: 0 the exit record is written; 64 wrong usage; 66 no run folder or no status file; 67 the spec is gone,
// which revokes the run; 68 the run folder was used before; 69 another shim holds the run folder; 74 the exit record
// could not be made durable.
#ifndef BELFRY_SHIM_H
#define BELFRY_SHIM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum {
  EXIT_RECORDED = 0,
  EXIT_USAGE = 64,
  EXIT_NO_FOLDER = 66,
  EXIT_REVOKED = 67,
  EXIT_USED = 68,
  EXIT_HELD = 69,
  EXIT_NOT_DURABLE = 74,
};

// Where something failed before the job's first instruction. Numbers stand in records: never reuse one.
enum step {
  STEP_NONE = 0,
  STEP_SPEC = 1,
  STEP_WORK_FOLDER = 2,
  STEP_PREPARE = 3,
  STEP_FORK = 4,
  STEP_CHILD = 5,
  STEP_EXEC = 6,
  STEP_USER = 7,
  STEP_LIMITS = 8,
  STEP_CGROUP = 9,
  STEP_MOUNTS = 10,
  STEP_WRITABLE = 11,
  STEP_ISOLATION = 12,
  STEP_SECRETS = 16,
};

static inline int64_t clock_us(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// Writes all of it at the place, or gives back -1 with errno.
static inline int write_at(int fd, const void *bytes, size_t count, off_t offset) {
  const char *from = bytes;
  while (count > 0) {
    ssize_t done = pwrite(fd, from, count, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      if (done == 0) errno = ENOSPC;
      return -1;
    }
    from += done;
    offset += done;
    count -= (size_t)done;
  }
  return 0;
}

#endif
