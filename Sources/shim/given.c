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

// One mount of proc(5)'s mountinfo: `31 23 0:28 / /srv/jail/proc rw - proc proc rw`; in the place, what cannot be printed is `\` and
// three octal digits.
static int is_kernel_around_or_below(char *line, const char *folder) {
  char *field = line, *type = strstr(line, " - ");
  for (int i = 0; i < 4 && field != NULL; i++) field = strchr(field, ' ') == NULL ? NULL : strchr(field, ' ') + 1;
  if (field == NULL || type == NULL) return 0;
  type += 3;
  if (strncmp(type, "proc ", 5) != 0 && strncmp(type, "sysfs ", 6) != 0) return 0;
  char *to = field;
  for (char *from = field; *from != 0 && *from != ' '; from++) {
    if (*from == '\\' && from[1] != 0 && from[2] != 0 && from[3] != 0) {
      *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 3;
    } else {
      *to++ = *from;
    }
  }
  *to = 0;
  return is_at_or_below(field, folder) || is_at_or_below(folder, field);
}

// Whether the kernel is mounted around or below the place, as it is in a folder for chroot(2): then it would be written to by that name. 0,
// or errno.
static int holds_kernel(const char *place) {
  static char text[64 << 10];
  size_t size = 0;
  int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), error = 0;
  if (fd < 0) return errno;
  for (;;) {
    ssize_t got = read(fd, text + size, sizeof text - 1 - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      // A line that does not fit ends here too.
      if (got < 0 || size == sizeof text - 1) error = got < 0 ? errno : E2BIG;
      break;
    }
    size += (size_t)got;
    char *line = text, *end;
    while (error == 0 && (end = memchr(line, '\n', size - (size_t)(line - text))) != NULL) {
      *end = 0;
      if (is_kernel_around_or_below(line, place)) error = EPERM;
      line = end + 1;
    }
    if (error != 0) break;
    size -= (size_t)(line - text);
    memmove(text, line, size);
  }
  close(fd);
  return error;
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
  if (error == 0) error = holds_kernel(place);
  if (error == 0) return fd;
  close(fd);
  errno = error;
  return -1;
}
