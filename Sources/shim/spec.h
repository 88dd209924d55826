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
//    7   bytes kept of the head        u64, 1 ... 1 GiB
//    8   bytes kept of the tail        u64, 1 ... 1 GiB
//    9   inherited descriptor          u64, optional: stays open in the job under this number
//   10   crash point                   text, optional: for tests (crash.h)
//   11   start at, µs                  u64, optional, from 1: CLOCK_REALTIME since 1970; without it, at once
//   12   start by, µs                  u64, with 11: at a later time it does not start any more
//
// A text ends with a NUL, which its length counts, and holds no other. An unknown tag, a missing or a second
// single field, anything out of range: the whole spec is refused, because running half of an order is worse than none.
#ifndef BELFRY_SPEC_H
#define BELFRY_SPEC_H

#include <stdint.h>

#define SPEC_LIMIT (8u << 20)

struct spec {
  const char *program;
  char **argv;
  char **envp;
  uint64_t timeout, grace, linger;
  uint64_t head, tail;
  int descriptor;  // -1: none
  const char *crash;
  uint64_t start_at, start_by;  // 0: at once
};

// Reads the whole file into memory of its own first, so that nobody can change it between check and use.
// 0, or an errno: ENOENT when there is no such file, EBADMSG when it is not a spec.
int spec_read(int folder, struct spec *spec);

// The value of a variable of the run, or NULL.
const char *spec_variable(const struct spec *spec, const char *name);

#endif
