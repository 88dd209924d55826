// Takes secrets out of a stream of bytes: what comes in goes out as it was, but for `***` in place of each secret.
//
// Found is the value itself; each line of a value of several lines, without the blanks around it; and the value in base64
// (at any alignment within what was encoded, of both alphabets, and in lines of 64 and of 76), percent-encoded, and as it
// stands in a JSON text. A form of more than 128 bytes is known by its pieces, and where two secrets overlap or follow each
// other, one `***` stands for both: so a piece of a long secret is found too, and no more than a piece has to be held back.
//
// Nothing shorter than 4 bytes is looked for: it would be found everywhere.
#ifndef BELFRY_MASK_H
#define BELFRY_MASK_H

#include <stddef.h>
#include <stdint.h>

#define MASK_LEAST 4
// No pattern is longer.
#define MASK_MOST 144

struct mask_pattern {
  uint32_t at;    // in `text`
  uint32_t size;  // MASK_LEAST ... MASK_MOST
  uint32_t next;  // of those in the same bucket, plus one; 0: the last
};

// What is looked for. Its memory is mapped, of no heap, and left out of core dumps.
struct mask {
  unsigned char *text;
  struct mask_pattern *patterns;
  size_t used, text_size;
  uint32_t count, most;
  uint32_t buckets[1024];        // of the first four bytes: a pattern's number plus one
  unsigned char likely[8 << 10];  // a bit for each hash of four bytes that some pattern begins with
  unsigned char first[32];       // a bit for each byte that some pattern begins with
};

struct mask_value {
  const unsigned char *bytes;
  size_t size;
};

// Makes the patterns of the values. 0 or errno. The values are not needed afterwards.
int mask_prepare(struct mask *mask, const struct mask_value *values, size_t count);

// One stream. Begins as {.mask = …, .write = …, .context = …} and zeros.
struct mask_stream {
  const struct mask *mask;
  void (*write)(void *context, const char *bytes, size_t count);
  void *context;
  size_t held;   // bytes in `buffer`, at most MASK_MOST between two calls: the beginning of what may become a secret
  size_t done;   // of them, so many have been dealt with: written, or taken out
  int is_taken;  // what was dealt with last was taken out, and its `***` is written
  char buffer[16 << 10];
};

void mask_feed(struct mask_stream *stream, const char *bytes, size_t count);

// Nothing has come for a while, and somebody may be looking: what is held back is dealt with. A beginning of a secret of
// less than MASK_LEAST bytes is written, a longer one counts as a secret. What comes after is still seen as its continuation.
void mask_pause(struct mask_stream *stream);

// Nothing will come any more: what is held back was no secret.
void mask_finish(struct mask_stream *stream);

// Whether mask_pause would do anything.
static inline int mask_holds(const struct mask_stream *stream) { return stream->done < stream->held; }

#endif
