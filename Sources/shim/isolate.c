#include "isolate.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "given.h"

// Not every C library knows these calls and their structures: mount_setattr(2), open_tree(2), move_mount(2).
enum { CALL_OPEN_TREE = 428, CALL_MOVE_MOUNT = 429, CALL_MOUNT_SETATTR = 442 };
enum { TREE_COPY = 1, TREE_RECURSIVE = 0x8000, TREE_ITSELF = 0x1000, MOVE_ITSELF = 4 };
enum { READ_ONLY = 1, NO_SETUID = 2, NO_DEVICES = 4 };

struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

// What a job that is root keeps. Not among them, because each would open the way to the host again: mounting, modules, raw
// devices and ports, making devices, other processes' memory, opening files by handle, the clock, the next boot; and giving
// files capabilities, which would outlive it.
static const uint64_t kept_files =
  CAPABILITY(CHOWN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(FOWNER) | CAPABILITY(FSETID) | CAPABILITY(KILL) |
  CAPABILITY(SETGID) | CAPABILITY(SETUID) | CAPABILITY(SETPCAP) | CAPABILITY(NET_BIND_SERVICE) | CAPABILITY(NET_RAW) |
  CAPABILITY(IPC_LOCK) | CAPABILITY(SYS_NICE);
static const uint64_t kept_full =
  CAPABILITY(CHOWN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(FOWNER) | CAPABILITY(FSETID) | CAPABILITY(KILL) |
  CAPABILITY(SETGID) | CAPABILITY(SETUID) | CAPABILITY(SETPCAP) | CAPABILITY(NET_BIND_SERVICE);

uint64_t isolate_namespaces(const struct spec *spec) {
  if (spec->isolation == ISOLATION_NONE || geteuid() != 0) return 0;
  if (spec->isolation == ISOLATION_FILES) return CLONE_NEWNS;
  return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
}

// MARK: mounts

static int add_attributes(int place, const char *path, unsigned flags, uint64_t attributes) {
  struct attributes change = {.set = attributes};
  return (int)syscall(CALL_MOUNT_SETATTR, place, path, flags, &change, sizeof change);
}

// A copy of what is mounted at the path and below, or of what is open with an empty path, to be put somewhere; -1 with errno.
// Its devices are none: read-only and writable mounts alike would let a job write to a disk by a node in them.
static int copy(int place, const char *path, uint64_t attributes) {
  int tree = (int)syscall(CALL_OPEN_TREE, place, path, TREE_COPY | TREE_RECURSIVE | TREE_ITSELF | O_CLOEXEC);
  if (tree < 0) return -1;
  return add_attributes(tree, "", TREE_ITSELF | TREE_RECURSIVE, NO_DEVICES | attributes) == 0 ? tree : -1;
}

static int cover(const char *path, unsigned long flags, const char *options) {
  return mount("tmpfs", path, "tmpfs", MS_NOSUID | flags, options);
}

// Makes what the path needs to be mounted on, where something covers what was there. Where it is there, nothing happens.
static void make_place(const char *path, int is_folder) {
  char part[PATH_LIMIT];
  size_t length = strlen(path);
  if (length >= sizeof part) return;
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != 0) continue;
    memcpy(part, path, i);
    part[i] = 0;
    if (path[i] == 0 && !is_folder) {
      int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (fd >= 0) close(fd);
    } else {
      (void)mkdir(part, 0711);
    }
  }
}

static int put(int tree, const char *path) {
  struct stat info;
  if (fstat(tree, &info) != 0) return -1;
  make_place(path, S_ISDIR(info.st_mode));
  return (int)syscall(CALL_MOVE_MOUNT, tree, "", AT_FDCWD, path, MOVE_ITSELF);
}

#define JOURNAL "/run/systemd/journal/dev-log"

static int make_device(const char *path, unsigned major, unsigned minor) {
  if (mknod(path, S_IFCHR | 0666, makedev(major, minor)) != 0) return -1;
  return chmod(path, 0666);
}

// The devices that every program expects, and none that is the host's: memory(4), tty(4), pts(4).
static int make_devices(void) {
  if (cover("/dev", MS_NOEXEC, "size=64k,mode=755") != 0 || make_device("/dev/null", 1, 3) != 0 ||
      make_device("/dev/zero", 1, 5) != 0 || make_device("/dev/full", 1, 7) != 0 ||
      make_device("/dev/random", 1, 8) != 0 || make_device("/dev/urandom", 1, 9) != 0 ||
      make_device("/dev/tty", 5, 0) != 0 || symlink("/proc/self/fd", "/dev/fd") != 0 ||
      symlink("/proc/self/fd/0", "/dev/stdin") != 0 || symlink("/proc/self/fd/1", "/dev/stdout") != 0 ||
      symlink("/proc/self/fd/2", "/dev/stderr") != 0 || symlink("pts/ptmx", "/dev/ptmx") != 0 ||
      mkdir("/dev/shm", 01777) != 0 || mkdir("/dev/pts", 0755) != 0) {
    return -1;
  }
  return mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
}

static int is_there(const char *path) { return access(path, F_OK) == 0; }

// What covers parts of the host. Read-only themselves, once everything has its place in them.
static int cover_host(int full) {
  if (make_devices() != 0) return -1;
  // Where a service of the host takes log lines, which `files` leaves in sight.
  if (!full && is_there(JOURNAL) && symlink(JOURNAL, "/dev/log") != 0) return -1;
  if (full && (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 ||
               add_attributes(AT_FDCWD, "/proc", 0, READ_ONLY) != 0)) {
    return -1;
  }
  if (full && is_there("/run") && cover("/run", MS_NODEV, "size=64k,mode=755") != 0) return -1;
  return cover("/dev/shm", MS_NODEV | MS_NOEXEC, "size=64m,mode=1777");
}

// After what covers more: a folder that is covered already is not there any more.
static int hide(const struct spec *spec) {
  for (char **path = spec->hidden; *path != NULL; path++) {
    if (is_there(*path) && cover(*path, MS_NODEV | MS_NOEXEC, "size=64k,mode=711") != 0) return -1;
  }
  return 0;
}

static int close_covers(const struct spec *spec, int full) {
  if (add_attributes(AT_FDCWD, "/dev", 0, READ_ONLY) != 0) return -1;
  if (full && is_there("/run") && add_attributes(AT_FDCWD, "/run", 0, READ_ONLY) != 0) return -1;
  for (char **path = spec->hidden; *path != NULL; path++) {
    // One that was covered is the way to what is shown, and not a mount.
    if (add_attributes(AT_FDCWD, *path, 0, READ_ONLY) != 0 && errno != EINVAL && errno != ENOENT) return -1;
  }
  return 0;
}

// The folders for passing things, each the same private one.
static const char *const passing[] = {"/tmp", "/var/tmp"};
enum { PASSING = sizeof passing / sizeof passing[0] };

int isolate_refused;

// Where what is given really is.
static char places[PATHS_LIMIT][PATH_LIMIT];

enum step isolate_mounts(const struct spec *spec) {
  int full = spec->isolation == ISOLATION_FULL;
  int written[PATHS_LIMIT], given[PATHS_LIMIT], shown[PATHS_LIMIT], passed[PASSING];
  // The modes below are meant as they stand; the job gets a umask of its own later.
  umask(0);
  // Nothing that is mounted here may reach the host.
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return STEP_MOUNTS;
  // What may be written is taken aside first, as it is.
  int count_written = 0, count_given = 0, count_shown = 0;
  for (char **path = spec->writable; *path != NULL; path++) {
    if ((written[count_written++] = copy(AT_FDCWD, *path, 0)) < 0) return STEP_MOUNTS;
  }
  for (char **path = spec->given; *path != NULL; path++) {
    isolate_refused = count_given + 1;
    int fd = given_open(spec, *path, places[count_given]);
    if (fd < 0 || (given[count_given++] = copy(fd, "", 0)) < 0) return STEP_WRITABLE;
    close(fd);
  }
  for (char **path = spec->shown; *path != NULL; path++) {
    if ((shown[count_shown++] = copy(AT_FDCWD, *path, READ_ONLY)) < 0) return STEP_MOUNTS;
  }
  for (int i = 0; i < PASSING; i++) {
    if ((passed[i] = copy(AT_FDCWD, spec->passing, NO_SETUID)) < 0) return STEP_MOUNTS;
  }
  if (add_attributes(AT_FDCWD, "/", TREE_RECURSIVE, READ_ONLY | NO_DEVICES) != 0) return STEP_MOUNTS;
  if (cover_host(full) != 0) return STEP_MOUNTS;
  for (int i = 0; i < PASSING; i++) {
    if (is_there(passing[i]) && put(passed[i], passing[i]) != 0) return STEP_MOUNTS;
  }
  for (int i = 0; i < count_given; i++) {
    isolate_refused = i + 1;
    if (put(given[i], places[i]) != 0) return STEP_WRITABLE;
  }
  // After what is given: that may lie around it. The run's own lies in it.
  if (hide(spec) != 0) return STEP_MOUNTS;
  for (int i = 0; i < count_shown; i++) {
    if (put(shown[i], spec->shown[i]) != 0) return STEP_MOUNTS;
  }
  for (int i = 0; i < count_written; i++) {
    if (put(written[i], spec->writable[i]) != 0) return STEP_MOUNTS;
  }
  if (close_covers(spec, full) != 0) return STEP_MOUNTS;
  return chdir(spec->writable[0]) == 0 ? STEP_NONE : STEP_WORK_FOLDER;
}

int isolate_network(void) {
  struct ifreq lo = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = ioctl(fd, SIOCGIFFLAGS, &lo) == 0 ? 0 : errno;
  lo.ifr_flags |= IFF_UP | IFF_RUNNING;
  if (error == 0 && ioctl(fd, SIOCSIFFLAGS, &lo) != 0) error = errno;
  close(fd);
  return error;
}

// MARK: capabilities

int isolate_capabilities(const struct spec *spec) {
  if (geteuid() != 0) return 0;
  uint64_t kept = spec->isolation == ISOLATION_FULL ? kept_full : kept_files;
  // A capability that the kernel does not know ends the list.
  for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
    if ((kept >> number & 1) == 0 && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return errno;
  }
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct now[2];
  if (syscall(SYS_capget, &header, now) != 0) return errno;
  for (int half = 0; half < 2; half++) {
    now[half].permitted &= (uint32_t)(kept >> 32 * half);
    now[half].effective = now[half].permitted;
    now[half].inheritable = 0;
  }
  return syscall(SYS_capset, &header, now) == 0 ? 0 : errno;
}
