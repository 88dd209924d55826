#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attempt.h"
#include "crash.h"
#include "job.h"
#include "shim.h"
#include "status.h"

// Whatever the agent had open by accident must not live on in the shim, which may outlive it by days.
static void keep_only(const int *kept, int count) {
  unsigned next = 3;
  for (int round = 0; round < count; round++) {
    int least = -1;
    for (int i = 0; i < count; i++) {
      if (kept[i] >= (int)next && (least < 0 || kept[i] < least)) least = kept[i];
    }
    if (least < 0) break;
    if ((unsigned)least > next) syscall(SYS_close_range, next, (unsigned)least - 1, 0u);
    next = (unsigned)least + 1;
  }
  syscall(SYS_close_range, next, ~0u, 0u);
}

// The job's pipes must not land on 0, 1 or 2, where the child's own dup2 would overwrite them.
static int hold_standard_descriptors(void) {
  int fd;
  do fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd < 3);
  return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  if (argc != 2) return EXIT_USAGE;
  umask(077);
  setsid();  // fails only when it is a session leader already
  set_oom_score("-900");
  if (hold_standard_descriptors() != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return EXIT_NO_FOLDER;
  int folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (folder < 0) return EXIT_NO_FOLDER;
  int status;
  int refusal = status_open(folder, &status);
  if (refusal != 0) return refusal;

  static struct spec spec;
  int error = spec_read(folder, &spec);
  if (error == ENOENT) return EXIT_REVOKED;
  if (error != 0) return attempt_refuse(status, error);
  const int kept[] = {folder, status, spec.descriptor, spec.secrets};
  keep_only(kept, sizeof kept / sizeof kept[0]);
  crash_if(spec.crash, "afterSpec");
  return attempt_run(folder, status, &spec);
}
