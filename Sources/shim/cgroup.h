// The attempt's own cgroup (v2), which the agent has made. Nothing that the job starts can leave it without the right to
// write elsewhere in the hierarchy, so it ends what slips away from a sweep, and it knows what they all took together.
//
// It is used in addition to the sweep: a job that is root can move its processes to another cgroup.
#ifndef BELFRY_CGROUP_H
#define BELFRY_CGROUP_H

#include "status.h"

// A descriptor of the folder, or -1 with errno.
int cgroup_open(const char *path);

// KILL to everything in it and below, at once. Kernels before 5.14 cannot: then it does nothing.
void cgroup_kill(int cgroup);

// Moves the calling process into it. 0 or errno.
int cgroup_enter(int cgroup);

// Kills until nothing is left in it, for at most half a minute. 1 when nothing is.
int cgroup_empty(int cgroup);

// Adds what the cgroup knows to the record: peak memory, and whether anything in it was killed for want of memory. Where
// the host gives no memory controller to the agent it knows nothing.
void cgroup_account(int cgroup, struct ended *ended);

// Removes it when it is empty and has none below it; else the agent does.
void cgroup_remove(const char *path);

#endif
