// The secrets of one attempt. They come from the agent in an inherited descriptor of sealed memory and not in the spec,
// which lies on a disk:
//
//   magic    8 bytes "BFSECR01"
//   fields   tag u32, length u32, then that many bytes; little-endian; tags never descend
//   end      tag 0xffffffff, length 0, and nothing after it
//
//   tag  what                value
//    1   variable            text NAME=VALUE, which ends with a NUL and holds no other; any number
//    2   secret              bytes, at least 4: what is taken out of the output; once or more
//
// What has secrets does not leave them in a core dump: the shim is not dumpable, and for the job RLIMIT_CORE is 1 byte, which
// means none at all, to a program behind core_pattern too (core(5)); 0 would not reach that one.
#ifndef BELFRY_SECRETS_H
#define BELFRY_SECRETS_H

#include "mask.h"
#include "spec.h"

#define SECRETS_LIMIT (1u << 20)
#define SECRETS_MOST 256

// Takes them from the spec's descriptor, which it closes, adds the variables to the spec's, and makes the patterns of what
// is to be taken out of the output. 0 or errno, EBADMSG when the memory does not hold what it should.
int secrets_take(struct spec *spec, struct mask *mask);

// Overwrites the values, once the job's process has them; those of the patterns stay.
void secrets_wipe(void);

// Removes the folder with the secrets' files. What a job has put in beside them is left to the agent.
void secrets_remove_folder(const struct spec *spec);

// Takes the secrets out of a file of the run folder that the job has written, up to `limit` bytes of it; a longer one
// becomes a single `!`, which is no value and no answer, and so does one that cannot be read or written; what cannot be opened
// is removed where that is possible. Nothing happens when there is no such file. To be called when nobody is left who could
// write to it. 0, or errno when it is lost, or may hold secrets still.
int secrets_mask_file(int folder, const char *name, const struct mask *mask, size_t limit);

#endif
