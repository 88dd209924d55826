#include "sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "shim.h"

struct entry {
  pid_t pid, parent;
};

// Enough for one pass; what does not fit waits for the next one.
static struct entry queue[4096];
static unsigned queued;

static void enqueue(pid_t pid, pid_t parent) {
  if (queued < sizeof queue / sizeof queue[0]) queue[queued++] = (struct entry){pid, parent};
}

// "/proc/", the number, and what follows it. By hand: printf would add a seventh to the program's size.
static void proc_path(char path[64], pid_t pid, const char *rest, pid_t thread, const char *file) {
  char digits[12];
  char *end = stpcpy(path, "/proc/");
  for (int round = 0; round < 2; round++) {
    pid_t number = round == 0 ? pid : thread;
    int count = 0;
    for (; number > 0; number /= 10) digits[count++] = (char)('0' + number % 10);
    while (count > 0) *end++ = digits[--count];
    end = stpcpy(end, round == 0 ? rest : file);
  }
}

static pid_t leading_number(const char *text) {
  pid_t number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (*text++ - '0');
  return number;
}

// Calls back with every number among the folder's names. -1 when the folder cannot be read.
static int each_number(const char *folder, void (*call)(pid_t number, pid_t context), pid_t context) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  // On the stack, because one listing is read inside another.
  _Alignas(struct directory_entry) char buffer[4096];
  long got;
  while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got;) {
      const struct directory_entry *entry = (const void *)(buffer + at);
      pid_t number = leading_number(entry->name);
      if (number > 0) call(number, context);
      at += entry->length;
    }
  }
  close(fd);
  return 0;
}

// Reads the numbers of a `children` file: those that this thread of `parent` has started.
static void enqueue_children(pid_t thread, pid_t parent) {
  char path[64], buffer[4096];
  proc_path(path, parent, "/task/", thread, "/children");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t got;
  pid_t number = 0;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) {
    for (ssize_t i = 0; i < got; i++) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        number = number * 10 + (buffer[i] - '0');
      } else if (number > 0) {
        enqueue(number, parent);
        number = 0;
      }
    }
  }
  close(fd);
}

static pid_t parent_of(pid_t pid, char *state) {
  char path[64], text[512];
  proc_path(path, pid, "/stat", 0, "");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return -1;
  text[got] = 0;
  // `PID (NAME) STATE PARENT …`; the name may hold anything, parentheses and spaces too.
  const char *after = strrchr(text, ')');
  if (after == NULL || strlen(after) < 5) return -1;
  *state = after[2];
  return leading_number(after + 4);
}

static void enqueue_if_child(pid_t pid, pid_t parent) {
  char state;
  if (parent_of(pid, &state) == parent) enqueue(pid, parent);
}

static void enqueue_family(pid_t parent) {
  char path[64];
  proc_path(path, parent, "/task", 0, "");
  each_number(path, enqueue_children, parent);
}

// The descriptor is taken first and the parent looked at after it, so a pid that was reused in between is noticed:
// the signal then goes to nobody.
static unsigned signal_one(struct entry entry, pid_t self, int signal, pid_t told, pid_t init) {
  if (entry.pid == init && signal != SIGKILL) return 0;
  int fd = (int)syscall(SYS_pidfd_open, entry.pid, 0);
  if (fd < 0) return 0;
  char state = 0;
  pid_t parent = parent_of(entry.pid, &state);
  unsigned sent = 0;
  int ours = parent == entry.parent || parent == self || (init != 0 && parent == init);
  if (ours && state != 'Z' && state != 'X' && (told == 0 || getpgid(entry.pid) != told)) {
    sent = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0;
  }
  close(fd);
  return sent;
}

unsigned sweep(int signal, pid_t told, pid_t init) {
  pid_t self = getpid();
  unsigned sent = 0;
  queued = 0;
  enqueue_family(self);
  // Kernels without `children` files: own children by their parent's number; the others arrive as they are orphaned.
  if (queued == 0) each_number("/proc", enqueue_if_child, self);
  for (unsigned i = 0; i < queued; i++) enqueue_family(queue[i].pid);
  for (unsigned i = 0; i < queued; i++) sent += signal_one(queue[i], self, signal, told, init);
  return sent;
}
