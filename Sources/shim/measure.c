#include "measure.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shim.h"
#include "sweep.h"

static _Alignas(struct directory_entry) char names_read[4096];

// By a descriptor of its own, because the place where reading stands belongs to the open folder.
static void enter(struct measure *m, int folder) {
  int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat info;
  if (fd < 0) return;
  if (fstat(fd, &info) != 0) {
    close(fd);
    return;
  }
  m->device = info.st_dev;
  m->folders[m->depth++] = fd;
}

void measure_begin(struct measure *m, int folder, int further) {
  m->sum = 0;
  m->depth = 0;
  m->next = further;
  enter(m, folder);
}

void measure_end(struct measure *m) {
  while (m->depth > 0) close(m->folders[--m->depth]);
}

static int is_dot(const char *name) { return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0)); }

// Adds what stands under the name. 1 when that is a folder, which is now the innermost.
static int add(struct measure *m, const char *name) {
  int folder = m->folders[m->depth - 1];
  struct stat info;
  if (is_dot(name) || fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_dev != m->device) return 0;
  uint64_t bytes = (uint64_t)info.st_blocks * 512;
  if (!S_ISDIR(info.st_mode)) {
    m->sum += bytes / (info.st_nlink > 0 ? (uint64_t)info.st_nlink : 1);
    return 0;
  }
  m->sum += bytes;
  if (m->depth == MEASURE_DEPTH) {
    m->sum = UINT64_MAX / 2;
    return 0;
  }
  int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return 0;
  m->folders[m->depth++] = fd;
  return 1;
}

int measure_step(struct measure *m, unsigned names) {
  while (m->depth > 0 && names > 0) {
    int folder = m->folders[m->depth - 1];
    long got = syscall(SYS_getdents64, folder, names_read, sizeof names_read);
    if (got <= 0) {
      close(folder);
      m->depth--;
      if (m->depth > 0 || m->next < 0) continue;
      enter(m, m->next);
      m->next = -1;
      continue;
    }
    for (long at = 0; at < got;) {
      const struct directory_entry *entry = (const void *)(names_read + at);
      at += entry->length;
      if (names > 0) names--;
      if (!add(m, entry->name)) continue;
      // The buffer is the inner folder's now; the outer one is read on from here.
      lseek(folder, entry->offset, SEEK_SET);
      break;
    }
  }
  return m->depth == 0;
}
