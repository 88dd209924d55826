// From the job's start to the end of everything that it started.
//
//   running ──────── job ends ───────► lingering ── linger over ──► terminating ── grace over ──► killing
//      └── timeout, cancel (SIGTERM), too much on disk ───────────►
//
// Each change into terminating sends the spec's stop signal, TERM as a rule, each pass of killing sends KILL, to the
// job's process group and to every descendant, and KILL to everything in its cgroup. It is over as soon as no descendant
// is left, whatever the state.
#ifndef BELFRY_SUPERVISE_H
#define BELFRY_SUPERVISE_H

#include "job.h"
#include "measure.h"
#include "output.h"
#include "status.h"

// KILL reaches a process at its next return to user mode, which one that hangs in a dead disk never does.
#define GIVE_UP_US (30 * 1000000)

struct channels {
  int signals;  // signalfd of SIGCHLD, SIGTERM and SIGUSR1
  int timer;    // timerfd on CLOCK_BOOTTIME
  int ending;   // or -1: how the job ended, from the init of its pid namespace; not blocking
};

struct places {
  const int *measured;  // open when the spec bounds them (measure.h)
  int cgroup;  // or -1
  struct measure *measure;
};

// Fills in how the job ended. `started` is on the boot clock.
void supervise(const struct spec *spec, pid_t job, int64_t started, struct channels channels, struct places places,
               struct output *output, struct ended *ended);

enum asked { ASKED_NOTHING = 0, ASKED_TO_END = 1, ASKED_NOT_TO_START = 2 };

// Takes the pending signals, and gives back what they ask for, as bits: SIGTERM to end, SIGUSR1 not to start.
int take_signals(int signals);

#endif
