// The spec: what one attempt is, as the agent wrote it.
//
//   magic    8 bytes "BFSPEC01"
//   fields   tag u32, length u32, then that many bytes; little-endian; tags never descend
//   end      tag 0xffffffff, length 0, and nothing after it
//
//   tag  what                          value
//    1   program                       text; a name without a slash is looked up on the run's own PATH
//    2   argument, argv[0] included    text; once or more
//    3   variable                      text NAME=VALUE; any number
//    4   timeout, µs                   u64, from 1
//    5   grace from TERM to KILL, µs   u64
//    6   linger, µs                    u64; what the job leaves behind may go on for so long after its end
//    7   size of the output's head     u64, 4096 ... 1 GiB, whole blocks of 4096 (output.h)
//    8   size of the output's tail     u64, as 7
//    9   inherited descriptor          u64, optional: stays open in the job under this number
//   10   crash point                   text, optional: for tests (crash.h)
//   11   start at, µs                  u64, optional, from 1: CLOCK_REALTIME since 1970; without it, at once
//   12   start by, µs                  u64, with 11: at a later time it does not start any more
//   13   user id                       u64, optional: whom the job runs as; else as the shim
//   14   group id                      u64, with 13
//   15   supplementary groups          u32 each, at most 1024, with 13
//   16   nice                          u64, optional: the nice value and 20, so 0 ... 39
//   17   open files                    u64, optional, from 3: RLIMIT_NOFILE
//   18   stop signal                   u64, optional, 1 ... 31: in place of TERM
//   19   standard input                bytes, optional, at most 1 MiB; else /dev/null
//   20   cgroup                        text, optional: its folder, which the agent has made for this attempt
//   21   processes of its user         u64, optional: RLIMIT_NPROC
//   22   bytes on disk                 u64, optional, from 1: of each file that it writes, and of its folders
//   23   isolation                     u64, optional: 1 files, 2 full
//   24   path of the run's own         text, absolute; with 23, once or more, at most 64, the working folder first: may be
//                                      written, hidden or not
//   25   path that stays to be seen    text, absolute; with 23, at most 64
//   26   folder that is hidden         text, absolute; with 23, at most 64
//   27   folder for passing things     text, absolute; with 23: what /tmp and /var/tmp become
//   28   path of the host              text, absolute; with 23, at most 64: may be written, unless it is hidden (given.h)
//   45   kept folder                   text, optional: its `work/` is the working folder in place of the run folder's; the
//                                      shim holds a lock (flock) on it for its whole life
//   50   secrets                       u64, optional: an inherited descriptor, closed before the job's program (secrets.h)
//   51   secrets' folder               text, optional: an absolute path, removed at the end
//
// A text ends with a NUL, which its length counts, and holds no other. An unknown tag, a missing or a second
// single field, anything out of range: the whole spec is refused, because running half of an order is worse than none.
#ifndef BELFRY_SPEC_H
#define BELFRY_SPEC_H

#include <stdint.h>

#define SPEC_LIMIT (8u << 20)
#define GROUPS_LIMIT 1024
#define INPUT_LIMIT (1u << 20)
#define PATHS_LIMIT 64
#define PATH_LIMIT 4096

enum isolation { ISOLATION_NONE = 0, ISOLATION_FILES = 1, ISOLATION_FULL = 2 };

struct spec {
  const char *program;
  char **argv;
  char **envp;
  uint64_t timeout, grace, linger;
  uint64_t head, tail;
  int descriptor;  // -1: none
  const char *crash;
  uint64_t start_at, start_by;  // 0: at once
  int has_user;
  uint32_t user, group;
  uint32_t groups[GROUPS_LIMIT];
  uint32_t group_count;
  int has_nice, nice;
  uint64_t files;   // 0: as the shim
  int stop_signal;  // SIGTERM when the spec says nothing
  const char *input;  // NULL: none
  uint32_t input_length;
  const char *cgroup;  // NULL: none
  uint64_t processes;  // 0: as the shim
  uint64_t disk;       // 0: as the shim
  enum isolation isolation;
  char **writable, **shown, **hidden, **given;  // each ends with NULL
  const char *passing;
  const char *kept_folder;  // NULL: none
  int secrets;  // a descriptor; -1: none
  const char *secrets_folder;  // NULL: none
};

// Reads the whole file into memory of its own first, so that nobody can change it between check and use.
// 0, or an errno: ENOENT when there is no such file, EBADMSG when it is not a spec.
int spec_read(int folder, struct spec *spec);

// The value of a variable of the run, or NULL.
const char *spec_variable(const struct spec *spec, const char *name);

#endif
