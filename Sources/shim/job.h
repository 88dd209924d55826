// The job's process: from fork to its first instruction.
#ifndef BELFRY_JOB_H
#define BELFRY_JOB_H

#include <sys/types.h>

#include "output.h"
#include "shim.h"
#include "spec.h"

struct job {
  pid_t pid;
  enum step step;  // STEP_NONE: it runs
  int error;       // errno of that step
  int path;        // STEP_WRITABLE: which of the paths that are given, from 1; else 0
};

// What the child needs; opened beforehand.
struct surroundings {
  int work;     // becomes the working folder
  int input;    // becomes standard input
  int output[STREAMS];  // become standard output and error
  int gate;     // close-on-exec: the exec waits for a byte from here; without one, because the shim died, it ends
  int gate_keeper;  // the gate's other end, which the child closes: then the shim's death is an end of file to it
  int report;   // close-on-exec: a failure is written here
  int cgroup;   // the attempt's own, or -1
  int ending;   // close-on-exec, or -1: where the init of a pid namespace writes how the job ended
};

// Finds out, before the fork, which paths exec is to try. 0 or errno.
int job_prepare(const struct spec *spec);

// Forks. In the child this does not come back: it makes everything ready, waits at the gate, and executes the program.
pid_t job_fork(const struct spec *spec, const struct surroundings *around);

// Gives way to everybody else on the machine, as far as it goes.
void job_give_way(void);

// How early this process goes when the host runs out of memory, as far as it may say so: proc(5), oom_score_adj.
void set_oom_score(const char *score);

// Takes what the child has reported, once `report` can be read: that it failed, or that it has reached its program.
struct job job_started(pid_t pid, int report);

#endif
