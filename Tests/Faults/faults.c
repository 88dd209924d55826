#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

_Static_assert(offsetof(struct fault_page, place) == 24, "as the test writes it");
_Static_assert(offsetof(struct fault_page, clock_offset) == 152, "as the test writes it");
_Static_assert(offsetof(struct fault_page, crash) == 176, "as the test writes it");
_Static_assert(offsetof(struct fault_page, root) == 240, "as the test writes it");
_Static_assert(offsetof(struct fault_page, boot) == 496, "as the test writes it");

#ifdef FAULTS_FOR_SHIM
#define SELF FAULT_SHIM
#define WRAP(name) __wrap_##name
#define REAL(name) __real_##name
int __real_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
ssize_t __real_pwrite(int fd, const void *bytes, size_t count, off_t offset);
int __real_fdatasync(int fd);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old);
int __real_poll(struct pollfd *polls, nfds_t count, int timeout);
ssize_t __real_read(int fd, void *bytes, size_t count);
#else
#define SELF FAULT_AGENT
#define WRAP(name) name
#define REAL(name) ((__typeof__(&name))next(#name))
static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }
#endif

static struct fault_page *page;

__attribute__((constructor)) static void find_page(void) {
#ifdef FAULTS_FOR_SHIM
  const char *path = FAULTS_PAGE;
#else
  const char *path = getenv("BELFRY_FAULTS");
#endif
  if (path == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) page = memory;
  syscall(SYS_close, fd);
}

// ---- calls that fail

static int fits(const char *path) {
  return strncmp(path, page->root, strlen(page->root)) == 0 && strstr(path, page->place) != NULL;
}

// The path of an open file, or an empty one.
static void path_of(int fd, char *path, size_t size) {
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, size - 1);
  path[length < 0 ? 0 : length] = 0;
}

static int is_on(uint32_t call) { return page != NULL && atomic_load(&page->who) == SELF && page->call == call; }

// Takes one of the failures; 1 when the call shall fail, with errno.
static int strike(void) {
  if (atomic_load(&page->skip) > 0 && atomic_fetch_sub(&page->skip, 1) > 0) return 0;
  if (atomic_load(&page->times) <= 0 || atomic_fetch_sub(&page->times, 1) <= 0) return 0;
  atomic_fetch_add(&page->hits, 1);
  errno = page->error;
  return 1;
}

static int fails(uint32_t call, int fd) {
  char path[1024];
  if (!is_on(call)) return 0;
  int saved = errno;
  path_of(fd, path, sizeof path);
  errno = saved;
  return fits(path) && strike();
}

static int fails_at(uint32_t call, int folder, const char *name) {
  char path[2048];
  if (!is_on(call)) return 0;
  int saved = errno;
  path[0] = 0;
  if (name[0] != '/' && folder != AT_FDCWD) path_of(folder, path, 1024);
  size_t length = strlen(path);
  snprintf(path + length, sizeof path - length, "%s%s", length > 0 ? "/" : "", name);
  errno = saved;
  return fits(path) && strike();
}

static mode_t mode_of(int flags, va_list list) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static const char *in_place_of(const char *path) {
  return page != NULL && page->boot[0] != 0 && strcmp(path, BOOT_ID) == 0 ? page->boot : path;
}

#define DEFINE_OPEN(name)                                                \
  int WRAP(name)(const char *path, int flags, ...) {                     \
    va_list list;                                                        \
    va_start(list, flags);                                               \
    mode_t mode = mode_of(flags, list);                                  \
    va_end(list);                                                        \
    if (fails_at(FAULT_OPEN, AT_FDCWD, path)) return -1;                 \
    return REAL(name)(in_place_of(path), flags, mode);                   \
  }

#define DEFINE_OPENAT(name)                                              \
  int WRAP(name)(int folder, const char *path, int flags, ...) {         \
    va_list list;                                                        \
    va_start(list, flags);                                               \
    mode_t mode = mode_of(flags, list);                                  \
    va_end(list);                                                        \
    if (fails_at(FAULT_OPEN, folder, path)) return -1;                   \
    return REAL(name)(folder, path, flags, mode);                        \
  }

DEFINE_OPEN(open)
DEFINE_OPENAT(openat)

ssize_t WRAP(pwrite)(int fd, const void *bytes, size_t count, off_t offset) {
  return fails(FAULT_PWRITE, fd) ? -1 : REAL(pwrite)(fd, bytes, count, offset);
}

int WRAP(fdatasync)(int fd) { return fails(FAULT_FDATASYNC, fd) ? -1 : REAL(fdatasync)(fd); }

#ifndef FAULTS_FOR_SHIM
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat64)

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return fails(FAULT_PWRITE, fd) ? -1 : REAL(pwrite64)(fd, bytes, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return fails(FAULT_WRITE, fd) ? -1 : REAL(write)(fd, bytes, count);
}

int fsync(int fd) { return fails(FAULT_FSYNC, fd) ? -1 : REAL(fsync)(fd); }

int rename(const char *from, const char *to) {
  return fails_at(FAULT_RENAME, AT_FDCWD, from) ? -1 : REAL(rename)(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return fails_at(FAULT_RENAME, from_folder, from) ? -1 : REAL(renameat)(from_folder, from, to_folder, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  return fails_at(FAULT_LINK, from_folder, from) ? -1 : REAL(linkat)(from_folder, from, to_folder, to, flags);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
  return fails(FAULT_PREAD, fd) ? -1 : REAL(pread)(fd, bytes, count, offset);
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) {
  return fails(FAULT_PREAD, fd) ? -1 : REAL(pread64)(fd, bytes, count, offset);
}
#endif

// ---- a clock that is set

static int64_t offset(void) { return page == NULL ? 0 : atomic_load(&page->clock_offset); }

static void shift(struct timespec *time, int64_t by) {
  int64_t nanoseconds = time->tv_nsec + by % 1000000 * 1000;
  time->tv_sec += by / 1000000 + (nanoseconds >= 1000000000) - (nanoseconds < 0);
  time->tv_nsec = (nanoseconds + 1000000000) % 1000000000;
}

int WRAP(clock_gettime)(clockid_t clock, struct timespec *time) {
  int result = REAL(clock_gettime)(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(time, offset());
  return result;
}

#ifndef FAULTS_FOR_SHIM
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *result) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}
#else

// A timer on CLOCK_REALTIME that is cancelled when the clock is set (timerfd_create(2)), played by hand, because the
// machine's own clock is everybody's. The shim has one at a time.
static int timer = -1;
static uint32_t timer_generation;

static int was_set(int fd) {
  return fd == timer && page != NULL && atomic_load(&page->clock_generation) != timer_generation;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
  struct itimerspec when = *new;
  if ((flags & TFD_TIMER_CANCEL_ON_SET) != 0 && page != NULL) {
    timer = fd;
    timer_generation = atomic_load(&page->clock_generation);
    shift(&when.it_value, -offset());
  }
  return __real_timerfd_settime(fd, flags, &when, old);
}

int __wrap_poll(struct pollfd *polls, nfds_t count, int timeout) {
  int is_armed = 0;
  for (nfds_t i = 0; i < count; i++) is_armed |= polls[i].fd == timer && timer >= 0;
  if (!is_armed || timeout >= 0) return __real_poll(polls, count, timeout);
  for (;;) {
    int ready = __real_poll(polls, count, 5);
    for (nfds_t i = 0; i < count; i++) {
      if (!was_set(polls[i].fd)) continue;
      if (ready <= 0 || polls[i].revents == 0) ready = ready < 0 ? 1 : ready + 1;
      polls[i].revents = POLLIN;
    }
    if (ready != 0) return ready;
  }
}

ssize_t __wrap_read(int fd, void *bytes, size_t count) {
  if (!was_set(fd)) return __real_read(fd, bytes, count);
  errno = ECANCELED;
  return -1;
}
#endif

// ---- a shim that dies

int fault_crash(const char *here) {
  static int dying;
  if (dying) return 1;
  if (page == NULL || atomic_load(&page->crash_armed) == 0 || strcmp(page->crash, here) != 0) return 0;
  if (atomic_load(&page->crash_skip) > 0 && atomic_fetch_sub(&page->crash_skip, 1) > 0) return 0;
  // One of them only.
  uint32_t armed = 1;
  if (!atomic_compare_exchange_strong(&page->crash_armed, &armed, 0)) return 0;
  atomic_fetch_add(&page->crash_hits, 1);
  return dying = 1;
}
