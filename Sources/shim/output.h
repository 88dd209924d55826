// The output record: what the job wrote to its standard output and error, in the order in which the shim read it, each
// piece with the time of that read; the first bytes and the last ones, at most 4096 + head + tail bytes on disk.
//
//   block 0          magic "BFOUT002", u64 head, u64 tail (bytes; whole blocks of 4096), u64 that the attempt's status
//                    file gives (status_seed), so that no record is taken for that of another attempt
//   head / 4096      blocks that are filled once, in order
//   tail / 4096      blocks that are filled in order, and again from the first one when the last one is full
//
// A block is a chain of records from its beginning: struct record, then `length` bytes. No record crosses into another
// block, and none begins where fewer than RECORD_LEAST bytes are left: the next one is in the next block then.
//
// Nothing says how far the record goes: a reader follows the chain. A record counts when its checksum is right and, but
// for a block's first one, when it begins with the byte after the one before it. What stands in a block from a former
// round of the ring begins earlier and is therefore never taken for a continuation, and neither is what is half written,
// be it because the shim was killed, the power went, or a reader looked at the same moment. So one read of a pipe costs
// one pwrite, or two where the ring begins anew, and nothing else.
//
// Writes are pwrite, not stores into a mapping: a full disk is then an error number here and not a SIGBUS.
#ifndef BELFRY_OUTPUT_H
#define BELFRY_OUTPUT_H

#include <stdint.h>

#include "mask.h"

#define OUTPUT_BLOCK 4096u

// Numbers stand in records.
enum stream { STREAM_OUT = 1, STREAM_ERROR = 2 };
#define STREAMS 2

struct record {
  uint64_t from;    // how many bytes were recorded before these, kept or not
  int64_t time;     // CLOCK_REALTIME, µs
  uint16_t length;  // from 1
  uint8_t stream;
  uint8_t unused;
  uint32_t checksum;  // see output.c
};

#define RECORD_LEAST (sizeof(struct record) + 16)

struct output {
  int folder, fd;
  const struct mask *mask;  // what is taken out before it is kept; NULL: nothing
  int ready;          // can be read when a pipe can: an epoll(7), which tells which of the two had something first
  int pipe[STREAMS];  // the ends that are read, not blocking; -1: it has ended
  uint64_t head, tail;
  uint64_t written;   // by the job
  uint64_t recorded;  // what of it was to be kept, after any filter
  int failed;         // errno of the first failed write: nothing is kept from there on
  uint64_t block;     // where the next record goes
  uint32_t used;
};

// Makes the pipes; `ends` are what becomes the job's standard output and error. 0, or -1 with errno.
int output_connect(struct output *output, int ends[STREAMS]);

// Makes the file, which happens by itself with the first byte: ahead of it, where time is of the essence then. Should it
// fail, the first byte tries again.
void output_prepare(struct output *output);

// Reads what the pipes hold, in the order in which they came to have something, about `limit` bytes at the most. 1 when
// both have ended, 0 when there may be more.
int output_take(struct output *output, uint64_t limit);

// Reads what is in the pipes now, and no more, whoever goes on writing.
void output_take_rest(struct output *output);

// Whether something is held back because it may be the beginning of a secret. After a while without any output it is dealt
// with, and once nothing will come any more.
int output_is_holding(void);
void output_pause(void);
void output_end(void);

// Makes what is kept durable. 0 or errno.
int output_sync(struct output *output);

#endif
