// What an isolated job sees and may do: a host that is read-only but for what it is given, and at the higher level
// nothing of the host's other processes and networks either. As bubblewrap does it, for a process that is root still.
//
// All of it happens between fork and gate, and none of it allocates.
#ifndef BELFRY_ISOLATE_H
#define BELFRY_ISOLATE_H

#include "shim.h"
#include "spec.h"

// Behind STEP_WRITABLE: which of the paths that are given could not be, from 1.
extern int isolate_refused;

// The namespaces that the job's process is to be born in, as flags of clone3(2). Of an agent that is not root: none.
uint64_t isolate_namespaces(const struct spec *spec);

// In a mount namespace of its own: makes everything read-only and its devices none, puts what the spec gives where it was,
// hides what it hides, and puts what it shows and what is the run's own where that was. The working folder is the current one afterwards. STEP_NONE, or a step with errno.
enum step isolate_mounts(const struct spec *spec);

// In a network namespace of its own: makes 127.0.0.1 work. 0 or errno.
int isolate_network(void);

// Gives up what a job could undo all this with, root's included: 0 or errno. What is left lets root read and own files and
// become another user.
int isolate_capabilities(const struct spec *spec);

// Makes the kernel's landlock(7) rules for the spec, which are a descriptor. STEP_NONE, or a step with errno.
enum step isolate_rules(const struct spec *spec, int *rules);

// Puts the calling process under the rules for ever. 0 or errno.
int isolate_restrict(int rules);

#endif
