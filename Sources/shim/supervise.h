// From the job's start to the end of everything that it started.
//
//   running ──────── job ends ───────► lingering ── linger over ──► terminating ── grace over ──► killing
//      └── timeout, or cancel (SIGTERM) ──────────────────────────►
//
// Each change into terminating sends the spec's stop signal, TERM as a rule, each pass of killing sends KILL, to the job's process group and to every
// descendant. It is over as soon as no descendant is left, whatever the state.
#ifndef BELFRY_SUPERVISE_H
#define BELFRY_SUPERVISE_H

#include "job.h"
#include "output.h"
#include "status.h"

struct channels {
  int signals;  // signalfd of SIGCHLD, SIGTERM and SIGUSR1
  int timer;    // timerfd on CLOCK_BOOTTIME
  int pipe;     // the job's output, not blocking
};

// Fills in how the job ended. `started` is on the boot clock.
void supervise(const struct spec *spec, pid_t job, int64_t started, struct channels channels, struct output *output,
               struct ended *ended);

enum asked { ASKED_NOTHING = 0, ASKED_TO_END = 1, ASKED_NOT_TO_START = 2 };

// Takes the pending signals, and gives back what they ask for, as bits: SIGTERM to end, SIGUSR1 not to start.
int take_signals(int signals);

#endif
