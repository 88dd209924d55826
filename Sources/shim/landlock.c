// Landlock: rules that a process takes upon itself and all that it starts, and that nothing takes away again, root's rights
// neither: landlock(7). Mounts keep a job from changing the host's files; the rules also keep it from writing to devices, and
// from undoing the mounts.
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "given.h"
#include "isolate.h"

// Since version 3 (Linux 6.2); headers may be older.
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define TRUNCATE_VERSION 3

// Not every C library knows their numbers.
enum { CALL_CREATE = 444, CALL_ADD = 445, CALL_RESTRICT = 446 };

static const uint64_t to_file = LANDLOCK_ACCESS_FS_WRITE_FILE;
static const uint64_t to_folder =
  LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
  LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;
// Given to nobody.
static const uint64_t to_none = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

// What every program may write to.
static const char *const devices[] = {
  "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts", NULL,
};

static const char *const own[] = {"/tmp", "/var/tmp", "/dev/shm", NULL};

// Allows to write below what is open, and closes it; -1: below nothing, for the reason in errno. 0 or errno.
static int allow_open(int rules, int fd, uint64_t truncate) {
  if (fd < 0) return errno;
  struct stat info;
  int error = fstat(fd, &info) == 0 ? 0 : errno;
  struct landlock_path_beneath_attr rule = {
    .parent_fd = fd, .allowed_access = (S_ISDIR(info.st_mode) ? to_folder : to_file) | truncate};
  if (error == 0 && syscall(CALL_ADD, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) error = errno;
  close(fd);
  return error;
}

static int allow(int rules, const char *path, uint64_t truncate) {
  return allow_open(rules, open(path, O_PATH | O_CLOEXEC), truncate);
}

enum step isolate_rules(const struct spec *spec, int *made) {
  static char place[PATH_LIMIT];
  enum step step = STEP_ISOLATION;
  long version = syscall(CALL_CREATE, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return step;
  uint64_t truncate = version >= TRUNCATE_VERSION ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
  struct landlock_ruleset_attr all = {.handled_access_fs = to_folder | to_none | truncate};
  int rules = (int)syscall(CALL_CREATE, &all, sizeof all, 0);
  if (rules < 0) return step;
  int error = 0;
  for (char **path = spec->writable; error == 0 && *path != NULL; path++) error = allow(rules, *path, truncate);
  for (char **path = spec->given; error == 0 && *path != NULL; path++) {
    error = allow_open(rules, given_open(spec, *path, place), truncate);
    if (error == 0) continue;
    step = STEP_WRITABLE;
    isolate_refused = (int)(path - spec->given) + 1;
  }
  if (error == 0 && isolate_namespaces(spec) == 0) error = allow(rules, spec->passing, truncate);
  // With mounts of its own, these are the job's own, and the folder is hidden where it was.
  for (const char *const *path = own; error == 0 && isolate_namespaces(spec) != 0 && *path != NULL; path++) {
    (void)allow(rules, *path, truncate);
  }
  for (const char *const *path = devices; error == 0 && *path != NULL; path++) (void)allow(rules, *path, 0);
  if (error == 0) {
    *made = rules;
    return STEP_NONE;
  }
  close(rules);
  errno = error;
  return step;
}

int isolate_restrict(int rules) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(CALL_RESTRICT, rules, 0) == 0 ? 0 : errno;
}
