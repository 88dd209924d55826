#include "output.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "shim.h"
#include "status.h"

_Static_assert(sizeof(struct record) == 24, "a record's head has its documented size");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

// As much as a pipe holds by default.
#define CHUNK (64u << 10)

static char chunk[CHUNK];
// What is written next: records, with what lies between them, for one stretch of the file. A chunk begins within a block,
// and the heads of its records take less than another one.
static char staged[CHUNK + 2 * OUTPUT_BLOCK];
static size_t staged_count;
static uint64_t staged_at;

static void create(struct output *o) {
  struct {
    char magic[8];
    uint64_t head, tail, seed;
  } header = {.head = o->head, .tail = o->tail, .seed = status_seed()};
  memcpy(header.magic, "BFOUT002", 8);
  // There may be one of an attempt that was silent: a header and nothing more.
  o->fd = openat(o->folder, "output", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (o->fd < 0 || write_at(o->fd, &header, sizeof header, 0) != 0) o->failed = errno;
  o->block = 1;
}

void output_prepare(struct output *o) {
  create(o);
  if (o->failed == 0) return;
  if (o->fd >= 0) close(o->fd);
  if (o->fd >= 0) unlinkat(o->folder, "output", 0);
  o->fd = -1;
  o->failed = 0;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  return ((hash << 5 | hash >> 59) ^ word) * UINT64_C(0x517cc1b727220a95);
}

// Over the record's head and its bytes, a word of eight at a time, the last one filled up with zeros; the upper half is
// folded into the lower. It finds what is half written, not forgeries.
static uint32_t checksum(const struct record *record, const char *bytes) {
  uint64_t hash = mix(mix(mix(0, record->from), (uint64_t)record->time), record->length | record->stream << 16), word;
  size_t left = record->length;
  for (; left >= 8; left -= 8, bytes += 8) {
    memcpy(&word, bytes, 8);
    hash = mix(hash, word);
  }
  word = 0;
  memcpy(&word, bytes, left);
  hash = mix(hash, word);
  return (uint32_t)(hash ^ hash >> 32);
}

static void flush(struct output *o) {
  if (staged_count > 0 && o->failed == 0 && write_at(o->fd, staged, staged_count, (off_t)staged_at) != 0) {
    o->failed = errno;
  }
  staged_count = 0;
}

static void stage(struct output *o, const void *bytes, size_t count) {
  if (staged_count == 0) staged_at = o->block * OUTPUT_BLOCK + o->used;
  memcpy(staged + staged_count, bytes, count);
  staged_count += count;
  o->used += (uint32_t)count;
}

// Goes on to the next block; the ring begins anew after its last one.
static void turn(struct output *o) {
  static const char nothing[RECORD_LEAST];
  if (staged_count > 0) stage(o, nothing, OUTPUT_BLOCK - o->used);
  o->used = 0;
  o->block++;
  if (o->block <= (o->head + o->tail) / OUTPUT_BLOCK) return;
  flush(o);
  o->block = 1 + o->head / OUTPUT_BLOCK;
}

// Into the record.
static void keep(struct output *o, enum stream stream, int64_t time, const char *bytes, uint64_t count) {
  if (o->fd < 0 && o->failed == 0) create(o);
  while (o->failed == 0 && count > 0) {
    size_t room = OUTPUT_BLOCK - o->used;
    if (room < RECORD_LEAST) {
      turn(o);
      continue;
    }
    room -= sizeof(struct record);
    struct record record = {
      .from = o->recorded, .time = time, .length = (uint16_t)(count < room ? count : room), .stream = (uint8_t)stream};
    record.checksum = checksum(&record, bytes);
    stage(o, &record, sizeof record);
    stage(o, bytes, record.length);
    o->recorded += record.length;
    bytes += record.length;
    count -= record.length;
  }
  flush(o);
  o->recorded += count;
}

// Where each stream's mask hands on what it lets pass. It is gathered until all of a read has passed, and is then kept like
// a read without a mask: what is taken out is longer than the `***` for it, so it fits with what was held back before.
static struct outlet {
  struct output *output;
  enum stream stream;
  int64_t time;
} outlets[STREAMS];
static struct mask_stream masks[STREAMS];
static char passed[CHUNK + 2 * MASK_MOST];
static size_t passed_count;

static void hand_on(const struct outlet *outlet) {
  if (passed_count > 0) keep(outlet->output, outlet->stream, outlet->time, passed, passed_count);
  passed_count = 0;
}

static void let_pass(void *context, const char *bytes, size_t count) {
  if (count > sizeof passed - passed_count) hand_on(context);
  memcpy(passed + passed_count, bytes, count);
  passed_count += count;
}

// What came out of a pipe, on its way into the record, by way of the mask where there is one.
static void pass(struct output *o, enum stream stream, int64_t time, const char *bytes, uint64_t count) {
  o->written += count;
  if (o->mask == NULL) {
    keep(o, stream, time, bytes, count);
    return;
  }
  int i = stream - STREAM_OUT;
  outlets[i] = (struct outlet){o, stream, time};
  if (masks[i].mask == NULL) masks[i] = (struct mask_stream){.mask = o->mask, .write = let_pass, .context = &outlets[i]};
  mask_feed(&masks[i], bytes, count);
  hand_on(&outlets[i]);
}

int output_is_holding(void) { return mask_holds(&masks[0]) || mask_holds(&masks[1]); }

void output_pause(void) {
  for (int i = 0; i < STREAMS; i++) {
    mask_pause(&masks[i]);
    hand_on(&outlets[i]);
  }
}

void output_end(void) {
  for (int i = 0; i < STREAMS; i++) {
    if (masks[i].mask != NULL) mask_finish(&masks[i]);
    hand_on(&outlets[i]);
  }
}

// Takes at most `limit` bytes from a pipe that has something. How many; 0 when it has ended or has nothing.
static uint64_t take(struct output *o, int i, uint64_t limit) {
  ssize_t got;
  do got = read(o->pipe[i], chunk, limit < CHUNK ? limit : CHUNK);
  while (got < 0 && errno == EINTR);
  if (got > 0) pass(o, STREAM_OUT + i, clock_us(CLOCK_REALTIME), chunk, (uint64_t)got);
  if (got > 0 || (got < 0 && errno == EAGAIN)) return got > 0 ? (uint64_t)got : 0;
  epoll_ctl(o->ready, EPOLL_CTL_DEL, o->pipe[i], NULL);
  close(o->pipe[i]);
  o->pipe[i] = -1;
  return 0;
}

int output_connect(struct output *o, int ends[STREAMS]) {
  o->ready = epoll_create1(EPOLL_CLOEXEC);
  if (o->ready < 0) return -1;
  for (int i = 0; i < STREAMS; i++) {
    int both[2];
    if (pipe2(both, O_CLOEXEC) != 0) return -1;
    o->pipe[i] = both[0];
    ends[i] = both[1];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    // Only the reading end: the job's own end must block as any pipe does.
    if (fcntl(both[0], F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(o->ready, EPOLL_CTL_ADD, both[0], &event) != 0) return -1;
  }
  return 0;
}

int output_take(struct output *o, uint64_t limit) {
  struct epoll_event ready[STREAMS];
  int count;
  // Until nothing is ready: only then does the kernel know anew which of them comes first.
  while (limit > 0 && (count = epoll_wait(o->ready, ready, STREAMS, 0)) > 0) {
    for (int i = 0; i < count; i++) {
      uint64_t got = take(o, (int)ready[i].data.u32, limit);
      limit -= got < limit ? got : limit;
      if (limit == 0) break;
    }
  }
  return o->pipe[0] < 0 && o->pipe[1] < 0;
}

void output_take_rest(struct output *o) {
  uint64_t rest[STREAMS] = {0};
  for (int i = 0; i < STREAMS; i++) {
    int pending = 0;
    if (o->pipe[i] >= 0 && ioctl(o->pipe[i], FIONREAD, &pending) == 0 && pending > 0) rest[i] = (uint64_t)pending;
  }
  struct epoll_event ready[STREAMS];
  int count;
  while (rest[0] + rest[1] > 0 && (count = epoll_wait(o->ready, ready, STREAMS, 0)) > 0) {
    uint64_t got = 0;
    for (int i = 0; i < count; i++) {
      uint32_t stream = ready[i].data.u32;
      if (rest[stream] == 0) continue;
      uint64_t taken = take(o, (int)stream, rest[stream]);
      rest[stream] -= taken;
      got += taken;
    }
    if (got == 0) return;
  }
}

int output_sync(struct output *o) { return o->written > 0 && o->fd >= 0 && fdatasync(o->fd) != 0 ? errno : 0; }
