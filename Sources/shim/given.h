// What of its host an isolated job is given to write to: `run.write` of the manifest.
#ifndef BELFRY_GIVEN_H
#define BELFRY_GIVEN_H

#include "shim.h"
#include "spec.h"

// Opens the path (O_PATH), and finds where it really is, without symbolic links. -1 with errno; EPERM for what is never given:
// `/`, what is hidden from the job, what is at or below /proc, /sys and /dev, and where proc(5) or sysfs(5) are mounted elsewhere, above or below. It
// waits for as long as a file system does
// that has lost its server.
int given_open(const struct spec *spec, const char *path, char place[PATH_LIMIT]);

#endif
