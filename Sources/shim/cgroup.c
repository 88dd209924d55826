#include "cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define GIVE_UP_US (30 * 1000000)
#define LOOK_MS 50

int cgroup_open(const char *path) { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW); }

static int write_text(int cgroup, const char *file, const char *text) {
  int fd = openat(cgroup, file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ssize_t done = write(fd, text, strlen(text));
  int error = done < 0 ? errno : 0;
  close(fd);
  return error;
}

void cgroup_kill(int cgroup) { (void)write_text(cgroup, "cgroup.kill", "1"); }

int cgroup_enter(int cgroup) { return write_text(cgroup, "cgroup.procs", "0"); }

// Fills `text`, which ends with a NUL then. 0, or -1 when there is no such file.
static int read_text(int fd, char *text, size_t size) {
  ssize_t got = pread(fd, text, size - 1, 0);
  if (got < 0) return -1;
  text[got] = 0;
  return 0;
}

// The number on the line that begins with `key` and a space; 0 when there is none.
static uint64_t value_of(const char *text, const char *key) {
  size_t length = strlen(key);
  for (const char *line = text; line != NULL && *line != 0;) {
    if (strncmp(line, key, length) == 0 && line[length] == ' ') return strtoull(line + length + 1, NULL, 10);
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  return 0;
}

int cgroup_empty(int cgroup) {
  char text[256];
  int events = openat(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
  // The folder is gone: somebody removed it, which he can only when it is empty.
  if (events < 0) return 1;
  int64_t end = clock_us(CLOCK_BOOTTIME) + GIVE_UP_US;
  int empty = 0;
  while (read_text(events, text, sizeof text) == 0) {
    empty = value_of(text, "populated") == 0;
    if (empty || clock_us(CLOCK_BOOTTIME) >= end) break;
    cgroup_kill(cgroup);
    struct pollfd change = {.fd = events, .events = POLLPRI};
    poll(&change, 1, LOOK_MS);
  }
  close(events);
  return empty;
}

static int read_file(int cgroup, const char *file, char *text, size_t size) {
  int fd = openat(cgroup, file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = read_text(fd, text, size);
  close(fd);
  return result;
}

void cgroup_account(int cgroup, struct ended *ended) {
  char text[512];
  if (read_file(cgroup, "memory.peak", text, sizeof text) == 0) {
    int64_t peak = (int64_t)strtoull(text, NULL, 10);
    if (peak > 0) ended->peak = peak;
  }
  if (read_file(cgroup, "memory.events", text, sizeof text) != 0 || value_of(text, "oom_kill") == 0) return;
  // `oom` counts how often its own limit left no way out; without it the whole host was short of memory.
  ended->flags |= value_of(text, "oom") > 0 ? FLAG_OUT_OF_MEMORY : FLAG_HOST_OUT_OF_MEMORY;
}

void cgroup_remove(const char *path) { (void)!rmdir(path); }
