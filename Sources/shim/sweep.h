// Finds and signals everything that the job started: children, their children, double forks and sessions of their own.
//
// The shim is a subreaper, so whatever loses its parent becomes the shim's own child and cannot slip away.
#ifndef BELFRY_SWEEP_H
#define BELFRY_SWEEP_H

#include <stdint.h>
#include <sys/types.h>

// As getdents64(2) gives it.
struct directory_entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

// Sends the signal to every living descendant that it can find, and gives back to how many. Processes of the group
// `told` (0: none) are passed over: they have it already, and a second TERM can look like impatience to a program that
// counts them. Processes that fork while it looks may be missed: repeat until waitpid says ECHILD.
//
// `init` (0: none) is the first process of a pid namespace, who takes up what is orphaned there; only KILL is for it, too.
unsigned sweep(int signal, pid_t told, pid_t init);

#endif
