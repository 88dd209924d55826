#include "measure.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shim.h"
#include "sweep.h"

static _Alignas(struct directory_entry) char names_read[4096];

// As statx(2) fills it in; not every C library knows all of it.
struct named {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, user, group;
  uint16_t mode, unused;
  uint64_t number, size, blocks, attributes_known;
  uint64_t times[8];
  uint32_t of_device[2], device[2];
  uint64_t mount, rest[13];
};
enum { BASIC = 0x7ff, MOUNT = 0x1000 };

// What stands under the name, or is open with an empty one. `mount` tells what is mounted from what is a volume of the same
// file system that a job can make (btrfs), as devices do not; before Linux 5.8 it is the device all the same.
static int look_at(int folder, const char *name, struct named *info) {
  if (syscall(SYS_statx, folder, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, BASIC | MOUNT, info) != 0) return -1;
  if ((info->mask & MOUNT) == 0) info->mount = (uint64_t)info->device[0] << 32 | info->device[1];
  return 0;
}

// By a descriptor of its own, because the place where reading stands belongs to the open folder.
static void enter(struct measure *m, int folder) {
  int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct named info;
  if (fd < 0) return;
  if (look_at(fd, "", &info) != 0) {
    close(fd);
    return;
  }
  m->mount = info.mount;
  m->folders[m->depth++] = fd;
}

static void enter_next(struct measure *m) {
  while (m->depth == 0 && m->next < MEASURED) {
    int place = m->places[m->next++];
    if (place >= 0) enter(m, place);
  }
}

void measure_begin(struct measure *m, const int places[MEASURED]) {
  m->sum = 0;
  m->longest = 0;
  m->depth = 0;
  m->places = places;
  m->next = 0;
  enter_next(m);
}

void measure_end(struct measure *m) {
  while (m->depth > 0) close(m->folders[--m->depth]);
}

static int is_dot(const char *name) { return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0)); }

// Adds what stands under the name. 1 when that is a folder, which is now the innermost.
static int add(struct measure *m, const char *name) {
  int folder = m->folders[m->depth - 1];
  struct named info;
  if (is_dot(name) || look_at(folder, name, &info) != 0 || info.mount != m->mount) return 0;
  m->sum += info.blocks * 512;
  if (S_ISREG(info.mode) && info.size > m->longest) m->longest = info.size;
  if (!S_ISDIR(info.mode)) return 0;
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
      enter_next(m);
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
