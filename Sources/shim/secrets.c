#include "secrets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shim.h"
#include "sweep.h"

#define MAGIC "BFSECR01"
#define END_TAG 0xffffffffu

enum tag { TAG_VARIABLE = 1, TAG_SECRET = 2 };

static char *bytes;
static size_t size;

// Sealed memory is read into memory of our own, which no core dump shows.
static int read_all(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return errno;
  if (info.st_size < 16 || info.st_size > SECRETS_LIMIT) return EBADMSG;
  size_t expected = (size_t)info.st_size;
  char *place = mmap(NULL, expected, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return errno;
  (void)madvise(place, expected, MADV_DONTDUMP);
  bytes = place;
  size = expected;
  size_t done = 0;
  while (done < expected) {
    ssize_t got = pread(fd, place + done, expected - done, (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EBADMSG;
    done += (size_t)got;
  }
  return 0;
}

static int read_fields(char **variables, unsigned *variable_count, struct mask_value *values, unsigned *value_count) {
  if (memcmp(bytes, MAGIC, 8) != 0) return EBADMSG;
  size_t at = 8;
  uint32_t tag, length, last = 0;
  *variable_count = *value_count = 0;
  for (;;) {
    if (size - at < 8) return EBADMSG;
    memcpy(&tag, bytes + at, 4);
    memcpy(&length, bytes + at + 4, 4);
    at += 8;
    if (tag == END_TAG) return length == 0 && at == size ? 0 : EBADMSG;
    if (tag < last || size - at < length) return EBADMSG;
    last = tag;
    char *value = bytes + at;
    at += length;
    switch (tag) {
      case TAG_VARIABLE:
        if (*variable_count == SECRETS_MOST || length < 2 || memchr(value, 0, length) != value + length - 1) return EBADMSG;
        if (value[0] == '=' || strchr(value, '=') == NULL) return EBADMSG;
        variables[(*variable_count)++] = value;
        break;
      case TAG_SECRET:
        if (*value_count == SECRETS_MOST || length < MASK_LEAST) return EBADMSG;
        values[(*value_count)++] = (struct mask_value){(unsigned char *)value, length};
        break;
      default: return EBADMSG;
    }
  }
}

// The spec's variables and these, in a table of their own.
static int add_variables(struct spec *spec, char **variables, unsigned count) {
  size_t before = 0;
  while (spec->envp[before] != NULL) before++;
  size_t table_size = (before + count + 1) * sizeof(char *);
  char **table = mmap(NULL, table_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (table == MAP_FAILED) return errno;
  memcpy(table, spec->envp, before * sizeof(char *));
  memcpy(table + before, variables, count * sizeof(char *));
  spec->envp = table;
  return 0;
}

int secrets_take(struct spec *spec, struct mask *mask) {
  struct rlimit none = {.rlim_cur = 1, .rlim_max = 1};
  if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) return errno;
  int error = read_all(spec->secrets);
  close(spec->secrets);
  if (error != 0) return error;
  static char *variables[SECRETS_MOST];
  static struct mask_value values[SECRETS_MOST];
  unsigned variable_count, value_count;
  error = read_fields(variables, &variable_count, values, &value_count);
  if (error == 0) error = mask_prepare(mask, values, value_count);
  return error == 0 ? add_variables(spec, variables, variable_count) : error;
}

void secrets_wipe(void) {
  if (bytes == NULL) return;
  explicit_bzero(bytes, size);
  munmap(bytes, size);
  bytes = NULL;
}

void secrets_remove_folder(const struct spec *spec) {
  if (spec->secrets_folder == NULL) return;
  int fd = open(spec->secrets_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  // It is closed against changes, which counts for an agent that is not root.
  (void)fchmod(fd, 0700);
  _Alignas(struct directory_entry) char buffer[4096];
  long got;
  while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got;) {
      const struct directory_entry *entry = (const void *)(buffer + at);
      (void)unlinkat(fd, entry->name, 0);
      at += entry->length;
    }
  }
  close(fd);
  (void)rmdir(spec->secrets_folder);
}

struct file {
  int fd;
  off_t end;
  int error;
  const char *before;
  size_t size;
};

// In place, and only what is another than before: a full disk takes that too, and what has no secret in it stays as it is. What is
// masked is never longer than it was.
static void append(void *context, const char *from, size_t count) {
  struct file *file = context;
  size_t at = (size_t)file->end;
  int is_same = at + count <= file->size && memcmp(file->before + at, from, count) == 0;
  if (!is_same && file->error == 0 && write_at(file->fd, from, count, file->end) != 0) file->error = errno;
  file->end += (off_t)count;
}

int secrets_mask_file(int folder, const char *name, const struct mask *mask, size_t limit) {
  struct stat info;
  // Not to wait for a fifo that the job may have put in its place.
  struct file file = {.fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  // The agent may be allowed to read what this process may not write.
  if (file.fd < 0) {
    int error = errno;
    if (error != ENOENT) (void)unlinkat(folder, name, 0);
    return error == ENOENT ? 0 : error;
  }
  if (fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file.fd);
    return 0;
  }
  size_t count = (size_t)info.st_size, done = 0;
  char *content = count == 0 || count > limit
    ? MAP_FAILED : mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  while (content != MAP_FAILED && done < count) {
    ssize_t got = pread(file.fd, content + done, count - done, (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += (size_t)got;
  }
  int whole = count == 0;
  if (content != MAP_FAILED && done == count) {
    static struct mask_stream stream;
    stream = (struct mask_stream){.mask = mask, .write = append, .context = &file};
    file.before = content;
    file.size = count;
    mask_feed(&stream, content, count);
    mask_finish(&stream);
    whole = file.error == 0 && (file.end == info.st_size || ftruncate(file.fd, file.end) == 0);
  }
  // Neither a value nor an answer: an empty file would mean that there was none. Where even that cannot be written, a NUL.
  int error = 0;
  if (!whole && ftruncate(file.fd, 0) != 0 && unlinkat(folder, name, 0) != 0 && errno != ENOENT) error = errno;
  if (!whole && pwrite(file.fd, "!", 1, 0) != 1) (void)!ftruncate(file.fd, 1);
  if (content != MAP_FAILED) munmap(content, count);
  close(file.fd);
  return error;
}
