#include "mask.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

// A form is cut into pieces of so many bytes; what is left over and shorter than LEFT_OVER stays with the last one.
#define PIECE 128
#define LEFT_OVER 16
// All forms of a value together are not longer than FORMS times the value and FORMS_MORE; see mask_prepare.
#define FORMS 64
#define FORMS_MORE 1024

_Static_assert(PIECE + LEFT_OVER <= MASK_MOST, "a piece fits");

static uint32_t hash(const void *four) {
  uint32_t word;
  memcpy(&word, four, 4);
  return (word * 2654435761u) >> 16;
}

static int has_bit(const unsigned char *bits, uint32_t number) { return bits[number >> 3] >> (number & 7) & 1; }
static void set_bit(unsigned char *bits, uint32_t number) { bits[number >> 3] |= (unsigned char)(1u << (number & 7)); }

// ---- Patterns. A form is written at the end of `text` and then made patterns of; what is known already is taken away again.

static void put(struct mask *m, unsigned char byte) {
  if (m->used < m->text_size) m->text[m->used++] = byte;
}

static void add_pattern(struct mask *m, size_t at, size_t size) {
  const unsigned char *text = m->text + at;
  uint32_t slot = hash(text);
  uint32_t *bucket = &m->buckets[slot % (sizeof m->buckets / sizeof m->buckets[0])];
  for (uint32_t next = *bucket; next != 0; next = m->patterns[next - 1].next) {
    const struct mask_pattern *p = &m->patterns[next - 1];
    if (p->size == size && memcmp(m->text + p->at, text, size) == 0) return;
  }
  if (m->count == m->most) return;
  m->patterns[m->count] = (struct mask_pattern){(uint32_t)at, (uint32_t)size, *bucket};
  *bucket = ++m->count;
  set_bit(m->likely, slot);
  set_bit(m->first, text[0]);
}

// Makes patterns of what was put since `from`.
static void add_form(struct mask *m, size_t from) {
  uint32_t before = m->count;
  size_t left = m->used - from, at = from;
  while (left >= MASK_LEAST) {
    size_t size = left < PIECE + LEFT_OVER ? left : PIECE;
    add_pattern(m, at, size);
    at += size;
    left -= size;
  }
  if (m->count == before) m->used = from;
}

static void add_raw(struct mask *m, const unsigned char *bytes, size_t size) {
  size_t from = m->used;
  for (size_t i = 0; i < size; i++) put(m, bytes[i]);
  add_form(m, from);
}

static int is_blank(unsigned char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }

static void add_lines(struct mask *m, struct mask_value v) {
  const unsigned char *next = v.bytes, *end = v.bytes + v.size;
  while (next < end) {
    const unsigned char *stop = memchr(next, '\n', (size_t)(end - next));
    if (stop == NULL) stop = end;
    const unsigned char *first = next, *last = stop;
    while (first < last && is_blank(*first)) first++;
    while (first < last && is_blank(last[-1])) last--;
    add_raw(m, first, (size_t)(last - first));
    next = stop + 1;
  }
}

// The base64 digit number `index` of a text in which the value begins at byte `offset`; what is around it counts as zeros.
static unsigned char base64_digit(struct mask_value v, size_t offset, size_t index, int is_url) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  size_t byte = index * 6 / 8;
  unsigned pair = 0;
  for (size_t i = byte; i < byte + 2; i++) pair = pair << 8 | (i >= offset && i - offset < v.size ? v.bytes[i - offset] : 0u);
  unsigned digit = pair >> (10 - index * 6 % 8) & 63;
  return (unsigned char)(digit < 62 ? digits[digit] : digit == 62 ? (is_url ? '-' : '+') : (is_url ? '_' : '/'));
}

// Only the digits that the value alone decides, since nobody knows what stands around it; and once more with the last one
// as it is when nothing follows.
static void add_base64(struct mask *m, struct mask_value v, size_t offset, int is_url) {
  size_t bits = 8 * (offset + v.size), whole = bits / 6;
  for (size_t count = whole; count <= (bits + 5) / 6; count++) {
    size_t from = m->used;
    for (size_t i = (8 * offset + 5) / 6; i < count; i++) put(m, base64_digit(v, offset, i, is_url));
    add_form(m, from);
  }
}

// As base64(1) and PEM break it.
static void add_base64_lines(struct mask *m, struct mask_value v, size_t width) {
  size_t count = (8 * v.size + 5) / 6;
  for (size_t i = 0; count > width && i < count; i += width) {
    size_t from = m->used;
    for (size_t k = i; k < i + width && k < count; k++) put(m, base64_digit(v, 0, k, 0));
    add_form(m, from);
  }
}

static int is_alphanumeric(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void put_hex(struct mask *m, unsigned char byte, const char *digits) {
  put(m, (unsigned char)digits[byte >> 4]);
  put(m, (unsigned char)digits[byte & 15]);
}

static const char upper[] = "0123456789ABCDEF", lower[] = "0123456789abcdef";

// `kept` are the characters that stay as they are, beside letters and digits; programs differ on them.
static void add_percent(struct mask *m, struct mask_value v, const char *kept, const char *digits, int is_form) {
  size_t from = m->used;
  for (size_t i = 0; i < v.size; i++) {
    unsigned char c = v.bytes[i];
    if (is_alphanumeric(c) || (c != 0 && strchr(kept, c) != NULL)) {
      put(m, c);
    } else if (is_form && c == ' ') {
      put(m, '+');
    } else {
      put(m, '%');
      put_hex(m, c, digits);
    }
  }
  add_form(m, from);
}

static void add_json(struct mask *m, struct mask_value v, int escapes_slash) {
  static const char from_bytes[] = "\b\f\n\r\t\"\\", to_letters[] = "bfnrt\"\\";
  size_t from = m->used;
  for (size_t i = 0; i < v.size; i++) {
    unsigned char c = v.bytes[i];
    const char *place = c != 0 ? strchr(from_bytes, c) : NULL;
    if (place != NULL) {
      put(m, '\\');
      put(m, (unsigned char)to_letters[place - from_bytes]);
    } else if (c < ' ') {
      for (const char *p = "\\u00"; *p != 0; p++) put(m, (unsigned char)*p);
      put_hex(m, c, lower);
    } else {
      if (c == '/' && escapes_slash) put(m, '\\');
      put(m, c);
    }
  }
  add_form(m, from);
}

static void add_value(struct mask *m, struct mask_value v) {
  add_raw(m, v.bytes, v.size);
  add_lines(m, v);
  for (size_t offset = 0; offset < 3; offset++) {
    add_base64(m, v, offset, 0);
    add_base64(m, v, offset, 1);
  }
  add_base64_lines(m, v, 76);
  add_base64_lines(m, v, 64);
  static const char *const kept[] = {"-_.~", "-_.~/", "-_.!~*'()"};
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    add_percent(m, v, kept[i], upper, 0);
    add_percent(m, v, kept[i], lower, 0);
  }
  add_percent(m, v, "*-._", upper, 1);
  add_json(m, v, 0);
  add_json(m, v, 1);
}

static void *map(size_t size) {
  void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return NULL;
  (void)madvise(place, size, MADV_DONTDUMP);
  return place;
}

int mask_prepare(struct mask *m, const struct mask_value *values, size_t count) {
  size_t size = 1;
  // 1 raw, 1 as lines, 12 of base64 at 1 1/3 and 2 in lines, 7 with 3 bytes for one, 2 with 6: below 64. It is only
  // reserved: what repeats takes no place.
  for (size_t i = 0; i < count; i++) size += FORMS * values[i].size + FORMS_MORE;
  m->text_size = size;
  m->most = (uint32_t)(size / MASK_LEAST) + 1;
  m->text = map(size);
  m->patterns = map(m->most * sizeof *m->patterns);
  if (m->text == NULL || m->patterns == NULL) return errno;
  for (size_t i = 0; i < count; i++) add_value(m, values[i]);
  return 0;
}

// ---- Streams

static void write_out(struct mask_stream *s, size_t end) {
  if (end > s->done) s->write(s->context, s->buffer + s->done, end - s->done);
}

static void take_out(struct mask_stream *s, size_t from, size_t end) {
  write_out(s, from);
  if (end <= s->done) return;
  if (from > s->done || !s->is_taken) s->write(s->context, "***", 3);
  s->done = end;
  s->is_taken = 1;
}

// How long the longest secret is that stands at `text`; 0: none. `may_go_on` is set when `text` ends before one that it
// may be the beginning of.
static size_t find(const struct mask *m, const char *text, size_t left, int *may_go_on) {
  size_t longest = 0;
  if (left < MASK_LEAST) {
    if (!has_bit(m->first, (unsigned char)*text)) return 0;
    for (uint32_t i = 0; i < m->count && !*may_go_on; i++) {
      *may_go_on = memcmp(m->text + m->patterns[i].at, text, left) == 0;
    }
    return 0;
  }
  uint32_t slot = hash(text);
  uint32_t next = m->buckets[slot % (sizeof m->buckets / sizeof m->buckets[0])];
  while (next != 0) {
    const struct mask_pattern *p = &m->patterns[next - 1];
    size_t size = p->size < left ? p->size : left;
    if (memcmp(m->text + p->at, text, size) == 0) {
      if (size < p->size) *may_go_on = 1;
      else if (size > longest) longest = size;
    }
    next = p->next;
  }
  return longest;
}

// Looks through what is in the buffer, up to the first place where a secret may have begun that is not there in full.
static void scan(struct mask_stream *s, int is_end) {
  const struct mask *m = s->mask;
  const unsigned char *likely = m->likely;
  size_t at = 0, end = s->held;
  for (;; at++) {
    while (at + MASK_LEAST <= end && !has_bit(likely, hash(s->buffer + at))) at++;
    if (at >= end) break;
    int may_go_on = 0;
    size_t size = find(m, s->buffer + at, end - at, &may_go_on);
    if (size > 0) take_out(s, at, at + size);
    if (may_go_on && !is_end) break;
  }
  write_out(s, at);
  if (at > s->done) {
    s->done = at;
    s->is_taken = 0;
  }
  memmove(s->buffer, s->buffer + at, end - at);
  s->held = end - at;
  s->done -= at;
}

void mask_feed(struct mask_stream *s, const char *bytes, size_t count) {
  while (count > 0) {
    size_t room = sizeof s->buffer - s->held;
    size_t some = count < room ? count : room;
    memcpy(s->buffer + s->held, bytes, some);
    s->held += some;
    bytes += some;
    count -= some;
    scan(s, 0);
  }
}

void mask_pause(struct mask_stream *s) {
  if (!mask_holds(s)) return;
  if (s->held >= MASK_LEAST) {
    take_out(s, 0, s->held);
  } else {
    write_out(s, s->held);
    s->is_taken = 0;
    s->done = s->held;
  }
}

void mask_finish(struct mask_stream *s) { scan(s, 1); }
