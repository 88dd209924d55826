// Starts shims at a cost that does not grow with the number of files that the agent has open. posix_spawn(3) copies the whole
// table of descriptors and closes it again, one by one; an agent holds one for each attempt that it watches.
#ifndef BELFRY_SPAWN_SHIM_H
#define BELFRY_SPAWN_SHIM_H

#include <sys/types.h>

// A descriptor of the caller's, and its number in the new process, from 3 up. None: -1.
struct passed {
  int descriptor, number;
};

// Starts the program with an empty environment, /dev/null as its standard descriptors, of all others only those passed, and
// all signals blocked. Returns when it has been reached: its pid, or a negative errno(3).
pid_t spawn_shim(const char *path, char *const arguments[], const struct passed passed[2]);

#endif
