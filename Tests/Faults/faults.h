// Faults on demand, for the tests that show that nothing is lost and nothing runs twice: system calls that fail, a clock
// that is set, a machine that was restarted, a shim that dies. A test writes what shall happen into a page of memory that
// it shares with the programs under test, and reads there how often it has.
//
// Built twice by the test itself:
//   for the agent   a library for LD_PRELOAD; the page is the file that BELFRY_FAULTS names
//   for the shim    linked into it (-DFAULTS_FOR_SHIM), its calls led here by the linker's --wrap; the page is the file
//                   FAULTS_PAGE, because a shim has no environment
#ifndef BELFRY_FAULTS_H
#define BELFRY_FAULTS_H

#include <stdatomic.h>
#include <stdint.h>

enum fault_who { FAULT_AGENT = 1, FAULT_SHIM = 2 };

enum fault_call {
  FAULT_OPEN = 1,  // openat too
  FAULT_WRITE = 2,
  FAULT_PWRITE = 3,
  FAULT_FSYNC = 4,
  FAULT_FDATASYNC = 5,
  FAULT_RENAME = 6,  // renameat too
  FAULT_LINK = 7,    // linkat
  FAULT_PREAD = 8,
};

// Numbers are of the machine's own byte order; the other side is in Tests/EndToEnd/Faults/FaultPage.swift.
struct fault_page {
  // A call: `who` is 0 while there is none. Written last, and cleared first.
  _Atomic uint32_t who;
  uint32_t call;
  int32_t error;         // errno
  _Atomic int32_t skip;  // so many calls that fit still succeed
  _Atomic int32_t times; // so many of them fail after that
  _Atomic uint32_t hits; // so many have failed
  char place[128];       // part of the file's path; only files below `root` count
  // The clock.
  _Atomic int64_t clock_offset;          // µs that CLOCK_REALTIME is ahead
  _Atomic uint32_t clock_generation;     // rises each time that the clock is set
  // The shim's death at a named point (crash.h).
  _Atomic uint32_t crash_armed;
  _Atomic int32_t crash_skip;
  _Atomic uint32_t crash_hits;
  char crash[64];
  char root[256];
  char boot[256];  // the file to read in place of /proc/sys/kernel/random/boot_id; empty: none
};

// Whether the shim shall die here.
int fault_crash(const char *here);

#endif
