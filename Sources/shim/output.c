#include "output.h"

#include <fcntl.h>
#include <string.h>

#include "shim.h"

#define HEADER 64

static char chunk[32 << 10];

static void create(struct output *o) {
  struct {
    char magic[8];
    uint64_t head, tail, settled, touched;
    char rest[HEADER - 40];
  } header = {.head = o->head, .tail = o->tail};
  _Static_assert(sizeof header == HEADER, "the header has its documented size");
  memcpy(header.magic, "BFOUT001", 8);
  o->fd = openat(o->folder, "output", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (o->fd < 0 || write_at(o->fd, &header, HEADER, 0) != 0) o->failed = errno;
}

void output_prepare(struct output *o) {
  create(o);
  if (o->failed == 0) return;
  if (o->fd >= 0) close(o->fd);
  if (o->fd >= 0) unlinkat(o->folder, "output", 0);
  o->fd = -1;
  o->failed = 0;
}

static void put(struct output *o, const void *bytes, uint64_t count, uint64_t offset) {
  if (o->failed == 0 && write_at(o->fd, bytes, count, (off_t)offset) != 0) o->failed = errno;
}

// Bytes [from, from + count) of the output, all of them past the head.
static void put_ring(struct output *o, const char *bytes, uint64_t count, uint64_t from) {
  uint64_t end = from + count;
  put(o, &end, 8, 32);
  if (count > o->tail) {
    bytes += count - o->tail;
    from = end - o->tail;
    count = o->tail;
  }
  uint64_t place = (from - o->head) % o->tail;
  uint64_t first = count < o->tail - place ? count : o->tail - place;
  put(o, bytes, first, HEADER + o->head + place);
  put(o, bytes + first, count - first, HEADER + o->head);
  put(o, &end, 8, 24);
}

static void keep(struct output *o, const char *bytes, uint64_t count) {
  uint64_t from = o->written;
  o->written += count;
  if (o->fd < 0 && o->failed == 0) create(o);
  if (o->failed != 0) return;
  uint64_t first = from >= o->head ? 0 : o->head - from < count ? o->head - from : count;
  put(o, bytes, first, HEADER + from);
  if (first < count) put_ring(o, bytes + first, count - first, from + first);
}

int output_drain(struct output *o, int pipe, uint64_t limit) {
  while (limit > 0) {
    ssize_t got = read(pipe, chunk, limit < sizeof chunk ? limit : sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return 1;
    keep(o, chunk, (uint64_t)got);
    limit -= (uint64_t)got;
  }
  return 0;
}

int output_sync(struct output *o) { return o->written > 0 && o->fd >= 0 && fdatasync(o->fd) != 0 ? errno : 0; }
