// The output file: the first bytes and the last bytes that the job wrote, at most 64 + head + tail bytes on disk.
//
//   at 0            magic "BFOUT001", u64 head, u64 tail, u64 settled, u64 touched, zeros up to 64
//   at 64           head: the first bytes, in order
//   at 64 + head    ring: byte number n (from 0, n >= head) stands at 64 + head + (n - head) % tail
//
// While the file is no longer than 64 + head and `touched` is 0, its length says how much there is. After that:
// bytes [max(head, touched - tail), settled) are in the ring. `touched` is raised before bytes go into the ring and
// `settled` after, so a shim killed in between leaves no byte that a reader would take for another one.
//
// Writes are pwrite, not stores into a mapping: a full disk is then an error number here and not a SIGBUS.
#ifndef BELFRY_OUTPUT_H
#define BELFRY_OUTPUT_H

#include <stdint.h>

struct output {
  int folder, fd;
  uint64_t head, tail;
  uint64_t written;  // by the job
  int failed;        // errno of the first failed write: nothing is kept from there on
};

// Makes the file, which happens by itself with the first byte: ahead of it, where time is of the essence then. Should it
// fail, the first byte tries again.
void output_prepare(struct output *output);

// Reads what the pipe holds, at most `limit` bytes. 1 when the pipe has ended, 0 when it may give more.
int output_drain(struct output *output, int pipe, uint64_t limit);

// Makes what is kept durable. 0 or errno.
int output_sync(struct output *output);

#endif
