#include "spec.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "output.h"
#include "shim.h"

enum tag {
  TAG_PROGRAM = 1,
  TAG_ARGUMENT,
  TAG_VARIABLE,
  TAG_TIMEOUT,
  TAG_GRACE,
  TAG_LINGER,
  TAG_HEAD,
  TAG_TAIL,
  TAG_DESCRIPTOR,
  TAG_CRASH,
  TAG_START_AT,
  TAG_START_BY,
  TAG_USER,
  TAG_GROUP,
  TAG_GROUPS,
  TAG_NICE,
  TAG_FILES,
  TAG_STOP_SIGNAL,
  TAG_INPUT,
  TAG_CGROUP,
  TAG_PROCESSES,
  TAG_DISK,
  TAG_ISOLATION,
  TAG_WRITABLE,
  TAG_SHOWN,
  TAG_HIDDEN,
  TAG_PASSING,
  TAG_GIVEN,
  TAG_KEPT_FOLDER = 45,
  TAG_SECRETS = 50,
  TAG_SECRETS_FOLDER = 51,
  TAG_LAST = TAG_SECRETS_FOLDER,
};

#define END_TAG 0xffffffffu
#define MAGIC "BFSPEC01"
// Far above any real value and far below where sums with clocks could overflow.
#define LONGEST_US (UINT64_C(1) << 52)
#define LATEST_US (UINT64_C(1) << 58)
// The one after it means "leave it" to setresuid(2).
#define HIGHEST_ID UINT64_C(0xfffffffe)

struct reader {
  char *next, *end;
};

static int take(struct reader *r, uint32_t *tag, char **value, uint32_t *length) {
  if (r->end - r->next < 8) return -1;
  memcpy(tag, r->next, 4);
  memcpy(length, r->next + 4, 4);
  r->next += 8;
  if ((size_t)(r->end - r->next) < *length) return -1;
  *value = r->next;
  r->next += *length;
  return 0;
}

static int is_text(const char *value, uint32_t length) {
  return length > 0 && memchr(value, 0, length) == value + length - 1;
}

static int number(const char *value, uint32_t length, uint64_t least, uint64_t most, uint64_t *out) {
  if (length != 8) return -1;
  memcpy(out, value, 8);
  return *out >= least && *out <= most ? 0 : -1;
}

static int blocks(const char *value, uint32_t length, uint64_t *out) {
  if (number(value, length, OUTPUT_BLOCK, UINT64_C(1) << 30, out) != 0) return -1;
  return *out % OUTPUT_BLOCK == 0 ? 0 : -1;
}

static int is_path(const char *value, uint32_t length) {
  return is_text(value, length) && value[0] == '/' && length <= PATH_LIMIT;
}

static int single(struct spec *spec, uint32_t tag, char *value, uint32_t length) {
  uint64_t n;
  switch (tag) {
    case TAG_PROGRAM:
      spec->program = value;
      return is_text(value, length) && length > 1 ? 0 : -1;
    case TAG_TIMEOUT: return number(value, length, 1, LONGEST_US, &spec->timeout);
    case TAG_GRACE: return number(value, length, 0, LONGEST_US, &spec->grace);
    case TAG_LINGER: return number(value, length, 0, LONGEST_US, &spec->linger);
    case TAG_HEAD: return blocks(value, length, &spec->head);
    case TAG_TAIL: return blocks(value, length, &spec->tail);
    case TAG_DESCRIPTOR:
      if (number(value, length, 3, 1023, &n) != 0) return -1;
      spec->descriptor = (int)n;
      return 0;
    case TAG_CRASH:
      spec->crash = value;
      return is_text(value, length) ? 0 : -1;
    case TAG_START_AT: return number(value, length, 1, LATEST_US, &spec->start_at);
    case TAG_START_BY: return number(value, length, 1, LATEST_US, &spec->start_by);
    case TAG_USER:
      if (number(value, length, 0, HIGHEST_ID, &n) != 0) return -1;
      spec->has_user = 1;
      spec->user = (uint32_t)n;
      return 0;
    case TAG_GROUP:
      if (number(value, length, 0, HIGHEST_ID, &n) != 0) return -1;
      spec->group = (uint32_t)n;
      return 0;
    case TAG_GROUPS:
      if (length % 4 != 0 || length > sizeof spec->groups) return -1;
      memcpy(spec->groups, value, length);
      spec->group_count = length / 4;
      return 0;
    case TAG_NICE:
      if (number(value, length, 0, 39, &n) != 0) return -1;
      spec->has_nice = 1;
      spec->nice = (int)n - 20;
      return 0;
    case TAG_CGROUP:
      spec->cgroup = value;
      return is_path(value, length) ? 0 : -1;
    case TAG_ISOLATION:
      if (number(value, length, ISOLATION_FILES, ISOLATION_FULL, &n) != 0) return -1;
      spec->isolation = (enum isolation)n;
      return 0;
    case TAG_PASSING:
      spec->passing = value;
      return is_path(value, length) ? 0 : -1;
    case TAG_PROCESSES: return number(value, length, 1, UINT64_C(1) << 22, &spec->processes);
    case TAG_DISK: return number(value, length, 1, UINT64_C(1) << 50, &spec->disk);
    case TAG_FILES: return number(value, length, 3, UINT64_C(1) << 30, &spec->files);
    case TAG_STOP_SIGNAL:
      if (number(value, length, 1, 31, &n) != 0) return -1;
      spec->stop_signal = (int)n;
      return 0;
    case TAG_INPUT:
      spec->input = value;
      spec->input_length = length;
      return length <= INPUT_LIMIT ? 0 : -1;
    case TAG_KEPT_FOLDER:
      spec->kept_folder = value;
      return is_text(value, length) && value[0] == '/' ? 0 : -1;
    case TAG_SECRETS:
      if (number(value, length, 3, 1023, &n) != 0) return -1;
      spec->secrets = (int)n;
      return 0;
    case TAG_SECRETS_FOLDER:
      spec->secrets_folder = value;
      return is_text(value, length) && value[0] == '/' ? 0 : -1;
    default: return -1;
  }
}

// How many fields there are of each tag; -1 when the frame is wrong.
static int count_fields(struct reader r, uint32_t counts[TAG_LAST + 1]) {
  uint32_t tag, length, last = 0;
  char *value;
  for (;;) {
    if (take(&r, &tag, &value, &length) != 0) return -1;
    if (tag == END_TAG) break;
    if (tag < TAG_PROGRAM || tag > TAG_LAST || tag < last) return -1;
    counts[tag]++;
    last = tag;
  }
  if (length != 0 || r.next != r.end) return -1;
  for (tag = TAG_PROGRAM; tag <= TAG_LAST; tag++) {
    int is_place = tag == TAG_WRITABLE || tag == TAG_SHOWN || tag == TAG_HIDDEN || tag == TAG_GIVEN;
    int repeats = tag == TAG_ARGUMENT || tag == TAG_VARIABLE || is_place;
    if (is_place && counts[tag] > (counts[TAG_ISOLATION] == 0 ? 0 : PATHS_LIMIT)) return -1;
    int optional = tag == TAG_VARIABLE || tag == TAG_DESCRIPTOR || tag >= TAG_CRASH;
    if ((counts[tag] == 0 && !optional) || (counts[tag] > 1 && !repeats)) return -1;
  }
  if (counts[TAG_ISOLATION] != counts[TAG_PASSING] || (counts[TAG_WRITABLE] == 0) != (counts[TAG_ISOLATION] == 0)) return -1;
  if (counts[TAG_USER] != counts[TAG_GROUP] || counts[TAG_USER] != counts[TAG_GROUPS]) return -1;
  return counts[TAG_START_AT] == counts[TAG_START_BY] ? 0 : -1;
}

// Where the values of a field go that may be there more than once; NULL for others.
static char ***list_of(struct spec *spec, uint32_t tag) {
  switch (tag) {
    case TAG_ARGUMENT: return &spec->argv;
    case TAG_VARIABLE: return &spec->envp;
    case TAG_WRITABLE: return &spec->writable;
    case TAG_SHOWN: return &spec->shown;
    case TAG_HIDDEN: return &spec->hidden;
    case TAG_GIVEN: return &spec->given;
    default: return NULL;
  }
}

static int is_element(uint32_t tag, const char *value, uint32_t length) {
  if (tag == TAG_ARGUMENT) return is_text(value, length);
  if (tag == TAG_VARIABLE) return is_text(value, length) && value[0] != '=' && strchr(value, '=') != NULL;
  return is_path(value, length);
}

static int parse(char *bytes, size_t size, struct spec *spec) {
  uint32_t counts[TAG_LAST + 1] = {0}, tag, length;
  if (size < 8 || memcmp(bytes, MAGIC, 8) != 0) return EBADMSG;
  struct reader r = {bytes + 8, bytes + size};
  if (count_fields(r, counts) != 0) return EBADMSG;

  // Each list with the NULL that ends it, one after the other.
  size_t pointers = 0;
  for (tag = TAG_PROGRAM; tag <= TAG_LAST; tag++) pointers += list_of(spec, tag) == NULL ? 0 : (size_t)counts[tag] + 1;
  char **table = mmap(NULL, pointers * sizeof(char *), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (table == MAP_FAILED) return errno;
  char **next[TAG_LAST + 1] = {NULL};
  for (tag = TAG_PROGRAM; tag <= TAG_LAST; tag++) {
    char ***list = list_of(spec, tag);
    if (list == NULL) continue;
    next[tag] = *list = table;
    table += counts[tag] + 1;
  }

  char *value;
  while (take(&r, &tag, &value, &length) == 0 && tag != END_TAG) {
    if (next[tag] != NULL) {
      if (!is_element(tag, value, length)) return EBADMSG;
      *next[tag]++ = value;
    } else if (single(spec, tag, value, length) != 0) {
      return EBADMSG;
    }
  }
  return 0;
}

int spec_read(int folder, struct spec *spec) {
  memset(spec, 0, sizeof *spec);
  spec->descriptor = -1;
  spec->secrets = -1;
  spec->stop_signal = SIGTERM;
  int fd = openat(folder, "spec", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno;
  struct stat info;
  int problem = fstat(fd, &info) != 0 ? errno : !S_ISREG(info.st_mode) || info.st_size > SPEC_LIMIT ? EBADMSG : 0;
  size_t size = problem == 0 ? (size_t)info.st_size : 0, done = 0;
  char *bytes = MAP_FAILED;
  if (problem == 0) {
    bytes = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) problem = errno;
  }
  while (problem == 0 && done < size) {
    ssize_t got = read(fd, bytes + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) problem = errno;
    if (got == 0) problem = EBADMSG;
    if (got > 0) done += (size_t)got;
  }
  close(fd);
  return problem == 0 ? parse(bytes, size, spec) : problem;
}

const char *spec_variable(const struct spec *spec, const char *name) {
  size_t length = strlen(name);
  for (char **variable = spec->envp; *variable != NULL; variable++) {
    if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=') return *variable + length + 1;
  }
  return NULL;
}
