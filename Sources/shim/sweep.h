// Finds and signals everything that the job started: children, their children, double forks and sessions of their own.
//
// The shim is a subreaper, so whatever loses its parent becomes the shim's own child and cannot slip away.
#ifndef BELFRY_SWEEP_H
#define BELFRY_SWEEP_H

#include <sys/types.h>

// Sends the signal to every living descendant that it can find, and gives back to how many. Processes of the group
// `told` (0: none) are passed over: they have it already, and a second TERM can look like impatience to a program that
// counts them. Processes that fork while it looks may be missed: repeat until waitpid says ECHILD.
unsigned sweep(int signal, pid_t told);

#endif
