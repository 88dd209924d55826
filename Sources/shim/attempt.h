// One attempt from the spec to the exit record.
#ifndef BELFRY_ATTEMPT_H
#define BELFRY_ATTEMPT_H

#include "spec.h"

// Runs it to its end. `folder` and `status` are the open run folder and the locked status file. Gives back an exit code.
int attempt_run(int folder, int status, struct spec *spec);

// Writes the exit record of an attempt whose spec was refused with this errno. Gives back an exit code.
int attempt_refuse(int status, int error);

#endif
