#include "given.h"

#include <fcntl.h>
#include <string.h>

#include "isolate.h"

// Mounts of the host's that are the kernel itself, and devices: who may write there undoes every wall.
static const char *const kernel[] = {"/proc", "/sys", "/dev", NULL};

static int is_at_or_below(const char *path, const char *folder) {
  size_t length = strlen(folder);
  if (length == 1) return 1;
  return strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

// Where the open file or folder really is, without symbolic links: 0 or errno.
static int find_place(int fd, char place[PATH_LIMIT]) {
  char link[32] = "/proc/self/fd/", digits[12], *digit = digits + sizeof digits;
  *--digit = 0;
  do *--digit = (char)('0' + fd % 10);
  while ((fd /= 10) > 0);
  memcpy(link + strlen(link), digit, strlen(digit) + 1);
  ssize_t length = readlink(link, place, PATH_LIMIT);
  if (length < 0) return errno;
  if (length == PATH_LIMIT) return ENAMETOOLONG;
  place[length] = 0;
  return place[0] == '/' ? 0 : ENOENT;
}

// By a folder first: a name at which something is mounted on demand gets its mount then.
static int open_place(const char *path) {
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 && errno == ENOTDIR ? open(path, O_PATH | O_CLOEXEC) : fd;
}

static int hides(const struct spec *spec, const char *place) {
  char folder[PATH_LIMIT];
  for (char **path = spec->hidden; *path != NULL; path++) {
    int fd = open_place(*path);
    if (fd < 0) continue;  // what is not there, nobody can write to
    int error = find_place(fd, folder);
    close(fd);
    // Where there are no mounts, nothing can cover what lies below a path that is given.
    if (error != 0 || is_at_or_below(place, folder)) return 1;
    if (isolate_namespaces(spec) == 0 && is_at_or_below(folder, place)) return 1;
  }
  return 0;
}

int given_open(const struct spec *spec, const char *path, char place[PATH_LIMIT]) {
  int fd = open_place(path);
  if (fd < 0) return -1;
  int error = find_place(fd, place);
  // All of the host would be none of the walls.
  if (error == 0 && (place[1] == 0 || hides(spec, place))) error = EPERM;
  for (const char *const *folder = kernel; error == 0 && *folder != NULL; folder++) {
    if (is_at_or_below(place, *folder)) error = EPERM;
  }
  if (error == 0) return fd;
  close(fd);
  errno = error;
  return -1;
}
