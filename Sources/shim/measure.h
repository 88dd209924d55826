// How much a folder holds: looked at while a job writes to it, in small steps, so that neither its output nor its timeout
// waits for a folder of a million files.
#ifndef BELFRY_MEASURE_H
#define BELFRY_MEASURE_H

#include <stdint.h>

// Deeper, and the look ends: then everything counts as too much, because nobody knows what is below.
#define MEASURE_DEPTH 64

struct measure {
  int folders[MEASURE_DEPTH];  // open, from the outermost to the one that is being read
  int depth;                   // 0: no look is going on
  uint64_t device;
  uint64_t sum;  // bytes on disk so far
  int next;      // a folder that is still to come, or -1
};

// Begins a look at the folder and at a further one, or -1. Their descriptors stay the caller's.
void measure_begin(struct measure *measure, int folder, int further);

// Goes on for so many names. 1 when it is through, and `sum` is the result. What is mounted below is not looked into, a
// file with several names counts with its share for each, and what changes meanwhile is seen or not.
int measure_step(struct measure *measure, unsigned names);

// Ends a look that is not through.
void measure_end(struct measure *measure);

#endif
