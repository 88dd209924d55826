// Named places at which the shim can be told to die as if by kill -9, so that tests can look at what it leaves behind.
// Only the spec can name one, and only an agent under test writes that field. A shim that is built for the fault matrix
// (Tests/Faults) asks there too.
//
//   afterSpec          nothing has been run
//   armed              the job's process waits at the gate; nothing has been run
//   beforeStart        the status file says that the job is about to run; the gate is closed
//   afterStart         the gate is open; nobody knows whether the process got as far as exec
//   afterStartedRecord the job runs and the status file says so
//   afterJobEnd        the job is over and the shim has not written anything about it
//   beforeExitRecord   output is durable, the exit record is not written
//   halfExitRecord     half of the exit record is written
//   afterExitRecord    the exit record is durable
#ifndef BELFRY_CRASH_H
#define BELFRY_CRASH_H

#include <signal.h>
#include <string.h>
#include <unistd.h>

#ifdef FAULTS_FOR_SHIM
int fault_crash(const char *here);
#else
static inline int fault_crash(const char *here) {
  (void)here;
  return 0;
}
#endif

static inline int crash_wanted(const char *wanted, const char *here) {
  return (wanted != NULL && strcmp(wanted, here) == 0) || fault_crash(here);
}

static inline void crash_if(const char *wanted, const char *here) {
  if (crash_wanted(wanted, here)) kill(getpid(), SIGKILL);
}

#endif
