// How much folders hold: looked at while a job writes to it, in small steps, so that neither its output nor its timeout
// waits for a folder of a million files.
#ifndef BELFRY_MEASURE_H
#define BELFRY_MEASURE_H

#include <stdint.h>

// Deeper, and the look ends: then everything counts as too much, because nobody knows what is below.
#define MEASURE_DEPTH 64
// The working folder, the one for temporary files, the one for artifacts.
#define MEASURED 3
// How much is looked at in one go.
#define NAMES_AT_ONCE 500

struct measure {
  int folders[MEASURE_DEPTH];  // open, from the outermost to the one that is being read
  int depth;                   // 0: no look is going on
  uint64_t mount;
  uint64_t sum;  // bytes on disk so far
  uint64_t longest;  // bytes of the longest regular file so far
  const int *places;
  int next;      // of the places: the next to come
};

// Begins a look at the folders, each a descriptor or -1. They stay the caller's, and there until the look ends.
void measure_begin(struct measure *measure, const int places[MEASURED]);

// Goes on for so many names. 1 when it is through, and `sum` is the result. What is mounted below is not looked into, a
// file counts with each of its names, because the others may be anywhere, and what changes meanwhile is seen or not.
int measure_step(struct measure *measure, unsigned names);

// Ends a look that is not through.
void measure_end(struct measure *measure);

#endif
