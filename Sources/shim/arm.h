// From the fork to the instant: the job's process waits at a gate, complete but for its exec, until the time that the
// spec names has come on CLOCK_REALTIME. Until the gate is opened nothing of the job has run.
#ifndef BELFRY_ARM_H
#define BELFRY_ARM_H

#include <sys/types.h>

#include "spec.h"

enum arming {
  ARM_GO,         // the instant has come
  ARM_CANCELLED,  // SIGTERM came first
  ARM_DISARMED,   // SIGUSR1 came first, the clock was set, or the instant is too far away or past its latest start: the
                  // agent decides anew
  ARM_DIED,       // somebody killed the process at the gate; it is reaped
};

// `signals` is the signalfd of SIGCHLD, SIGTERM and SIGUSR1. A spec without an instant goes at once.
enum arming arm_wait(const struct spec *spec, int signals, pid_t job);

#endif
