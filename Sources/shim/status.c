#include "status.h"

#include <fcntl.h>
#include <string.h>

#include "shim.h"

_Static_assert(sizeof(struct started) == SECTOR, "a record is a sector");
_Static_assert(sizeof(struct ended) == SECTOR, "a record is a sector");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

// What the checksums of this file's records begin with.
static uint64_t seed;

static uint64_t checksum(const void *record) {
  const unsigned char *bytes = record;
  uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
  for (int i = 0; i < SECTOR - 8; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

int status_open(int folder, int *fd) {
  *fd = openat(folder, "status", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (*fd < 0) return EXIT_NO_FOLDER;
  // A POSIX lock, not flock: the forked child does not share it, and F_GETLK tells the holder's pid.
  // It falls when this process closes any descriptor of the file, so nothing here opens it a second time.
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(*fd, F_SETLK, &lock) != 0) return EXIT_HELD;
  char old[3 * SECTOR];
  if (pread(*fd, old, sizeof old, 0) != (ssize_t)sizeof old) return EXIT_NO_FOLDER;
  // A second shim in the same folder would be a second run of the same attempt.
  if (old[SECTOR] != 0 || old[2 * SECTOR] != 0) return EXIT_USED;
  if (memcmp(old, "BFMADE02", 8) == 0) memcpy(&seed, old + SECTOR - 8, 8);
  return 0;
}

uint64_t status_seed(void) { return seed; }

int status_write_started(int fd, struct started *record) {
  memcpy(record->magic, "BFSTART1", 8);
  record->checksum = checksum(record);
  return write_at(fd, record, SECTOR, SECTOR) == 0 ? 0 : errno;
}

static void seal(struct ended *record) {
  memcpy(record->magic, "BFENDED1", 8);
  record->checksum = checksum(record);
}

int status_write_ended(int fd, struct ended *record) {
  seal(record);
  if (write_at(fd, record, SECTOR, 2 * SECTOR) != 0) return errno;
  return fdatasync(fd) == 0 ? 0 : errno;
}

void status_write_half_ended(int fd, struct ended *record) {
  seal(record);
  (void)write_at(fd, record, 60, 2 * SECTOR);
}
