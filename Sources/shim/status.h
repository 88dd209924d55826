// The status file: 4096 bytes, written full of zeros by the agent so that a full disk later cannot take away the place
// of the exit record. Three sectors of 512 bytes; a sector is overwritten in place and small enough to be written at
// once by any disk; the last 8 bytes are a checksum (FNV-1a, 64 bits, over the 504 before), so a torn one shows. Run folders
// are used again, and a loss of power may leave the records of an earlier attempt: so the checksums of the shim's records begin
// with that of the agent's, and prove that they belong together.
//
//   at    0   made by the agent: magic "BFMADE02", the boot id, and at 48 the folder's name, at most 64 bytes. In the older
//             "BFMADE01", without a name, the checksums stand for themselves.
//   at  512   struct started
//   at 1024   struct ended
//
// All numbers little-endian. Times: real = CLOCK_REALTIME, boot = CLOCK_BOOTTIME, both in µs. How long the job took is
// measured on the boot clock: the other one can jump while the job runs.
#ifndef BELFRY_STATUS_H
#define BELFRY_STATUS_H

#include <stdint.h>

#define SECTOR 512

enum stage { STAGE_ABOUT_TO_START = 1, STAGE_RUNNING = 2 };

struct started {
  char magic[8];  // "BFSTART1"
  uint32_t stage;
  int32_t shim, job;  // pids; job is 0 before STAGE_RUNNING
  uint32_t unused;
  int64_t real, boot;
  char rest[SECTOR - 48];
  uint64_t checksum;
};

enum end_kind { END_EXITED = 1, END_SIGNALLED = 2, END_NEVER_BEGAN = 3, END_UNKNOWN = 4 };

enum end_flags {
  FLAG_TIMED_OUT = 1,      // the timeout expired while the job ran
  FLAG_CANCELLED = 2,      // a cancel arrived while the job ran, or before it could start
  FLAG_DISARMED = 4,       // it was armed for an instant, and the clock was set or the instant is long past
  FLAG_OUTPUT_FAILED = 8,  // output could not be written to disk at some point; nothing was kept from there on
  FLAG_UNKILLABLE = 16,    // processes survived KILL for half a minute (uninterruptible sleep)
  FLAG_OUT_OF_MEMORY = 32,       // a process of it was killed because its own memory limit was reached
  FLAG_DISK = 64,                // its working folder held more than it may
  FLAG_HOST_OUT_OF_MEMORY = 128, // a process of it was killed because the host was out of memory
  FLAG_FILE_LIMIT = 256,         // a file in its folders was as long as one may be
  FLAG_UNMASKED = 512,           // what it gave back could not be cleaned of secrets: it is lost, or not to be read
};

struct ended {
  char magic[8];  // "BFENDED1"
  uint32_t kind;
  int32_t code;  // exit code or signal
  uint32_t flags;
  int32_t step, error;  // END_NEVER_BEGAN: enum step, errno
  int32_t sync_error;   // errno of a failed fsync: this record may not survive a loss of power
  int64_t started_real, ended_real, elapsed;
  int64_t user, system, peak;  // µs, µs, bytes: of everything that the run started; peak: of its cgroup where that
                               // is known, else of the largest process
  uint64_t written;            // bytes of output
  uint32_t left_behind;        // processes that outlived the job and were killed
  uint32_t path;               // STEP_WRITABLE: which of the paths that are given, from 1; else 0
  uint64_t recorded;           // bytes that were to be kept of the output, after any filter
  char rest[SECTOR - 112];
  uint64_t checksum;
};

// Opens and locks. 0, or an exit code.
int status_open(int folder, int *fd);

// What tells this attempt's files from those of an earlier one in the same folder; 0 where the agent knows of no such thing.
uint64_t status_seed(void);

// Seals with the checksum and writes. 0 or errno.
int status_write_started(int fd, struct started *record);

// The same, and makes it durable. One sync of one file: the names on its path need none of their own, because they are
// as new as the file or older, and a sync of a new file takes them along (ext4, XFS, btrfs, f2fs). Each further one
// would be another wait for the disk in every run. Of a folder that is used again the name may be lost; the agent gives it
// back by the one in this file.
int status_write_ended(int fd, struct ended *record);
void status_write_half_ended(int fd, struct ended *record);

#endif
