// Runs Sources/shim/mask.c by itself: the values are the arguments, in hexadecimal digits; standard input is a sequence of
// records, each a u32 with its length and so many bytes to feed; the length 0xffffffff stands for a pause, 0xfffffffe for
// "once more the last ones, a thousand times", which makes a flood. What comes out goes to standard output.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"

static void out(void *context, const char *bytes, size_t count) {
  (void)context;
  fwrite(bytes, 1, count, stdout);
}

static struct mask_value parse(const char *hex) {
  size_t size = strlen(hex) / 2;
  unsigned char *bytes = malloc(size + 1);
  for (size_t i = 0; i < size; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
    bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
  }
  return (struct mask_value){bytes, size};
}

int main(int argc, char **argv) {
  static struct mask mask;
  static struct mask_stream stream;
  struct mask_value values[64] = {{NULL, 0}};
  for (int i = 1; i < argc && i <= 64; i++) values[i - 1] = parse(argv[i]);
  int error = mask_prepare(&mask, values, (size_t)(argc - 1));
  if (error != 0) return 1;
  for (int i = 1; i < argc && i <= 64; i++) free((void *)values[i - 1].bytes);
  stream = (struct mask_stream){.mask = &mask, .write = out};
  uint32_t length;
  char *bytes = NULL;
  uint32_t last = 0;
  while (fread(&length, 4, 1, stdin) == 1) {
    if (length == 0xffffffff) {
      mask_pause(&stream);
      continue;
    }
    if (length == 0xfffffffe) {
      for (int i = 0; i < 1000; i++) mask_feed(&stream, bytes, last);
      continue;
    }
    free(bytes);
    bytes = malloc(length + 1);
    last = length;
    if (fread(bytes, 1, length, stdin) != length) return 2;
    mask_feed(&stream, bytes, length);
  }
  mask_finish(&stream);
  free(bytes);
  return ferror(stdout) ? 3 : 0;
}
