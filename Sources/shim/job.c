#include "job.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "isolate.h"

// When the host runs out of memory, a job goes before whatever has asked for nothing, and long before agent and shim.
#define OOM_SCORE "100"

struct failure {
  int step, error, path;
};

// Paths that exec tries one after the other, each ended by a NUL, an empty one at the end.
static char candidates[64 << 10];

int job_prepare(const struct spec *spec) {
  size_t name = strlen(spec->program), used = 0;
  if (strchr(spec->program, '/') != NULL) {
    if (name + 2 > sizeof candidates) return ENAMETOOLONG;
    memcpy(candidates, spec->program, name + 1);
    return 0;
  }
  // As execvp does, but on the run's PATH; an empty element, which would mean the working folder, is passed over.
  const char *path = spec_variable(spec, "PATH");
  while (path != NULL && *path != 0) {
    size_t folder = strcspn(path, ":");
    if (folder > 0) {
      if (used + folder + name + 3 > sizeof candidates) return ENAMETOOLONG;
      memcpy(candidates + used, path, folder);
      candidates[used + folder] = '/';
      memcpy(candidates + used + folder + 1, spec->program, name + 1);
      used += folder + name + 2;
    }
    path += folder + (path[folder] == ':');
  }
  return used == 0 ? ENOENT : 0;
}

// From here to exec: system calls only. Nothing allocates, nothing takes a lock.

static _Noreturn void fail(int report, int step, int error) {
  struct failure failure = {step, error, step == STEP_WRITABLE ? isolate_refused : 0};
  (void)!write(report, &failure, sizeof failure);
  _exit(127);
}

static void reset_signals(void) {
  // The kernel's own structure and call: the C library's refuses signals 32 and 33, which are its own, and
  // whoever started the shim may have left them ignored.
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } standard = {.handler = SIG_DFL};
  for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, &standard, NULL, 8);
  unsigned long none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

static int execute(const struct spec *spec) {
  int error = ENOENT;
  for (const char *path = candidates; *path != 0; path += strlen(path) + 1) {
    execve(path, spec->argv, spec->envp);
    // A program that is there and may not be run says more than that the next folder has none.
    if (errno == EACCES) error = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return errno;
  }
  return error;
}

// A job must not go on without its shim: nobody would enforce its timeout or know its end. This reaches the job's
// first process only, and not a set-user-id program; the agent hunts the others when it finds the shim dead.
static void die_with(pid_t shim, int report) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(report, STEP_CHILD, errno);
  if (shim != 0 && getppid() != shim) _exit(127);
}

// With a session of its own a process has a scheduling group of its own too, where the kernel makes those (sched(7),
// "The autogroup feature"): there a nice value counts only inside the session, and the session's own is written here.
static void set_nice(int value) {
  char text[4], *end = text;
  if (value < 0) *end++ = '-';
  int size = value < 0 ? -value : value;
  if (size >= 10) *end++ = (char)('0' + size / 10);
  *end++ = (char)('0' + size % 10);
  int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, text, (size_t)(end - text));
  close(fd);
}

void set_oom_score(const char *score) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, score, strlen(score));
  close(fd);
}

void job_give_way(void) {
  setpriority(PRIO_PROCESS, 0, 19);
  set_nice(19);
}

static void bound(int resource, uint64_t most, int report) {
  struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
  if (most != 0 && setrlimit(resource, &limit) != 0) fail(report, STEP_LIMITS, errno);
}

// A core file would put what the job holds in memory, secrets too, on the disk. A job that wants one may raise it again.
static void forbid_core(void) {
  struct rlimit core;
  if (getrlimit(RLIMIT_CORE, &core) != 0) return;
  core.rlim_cur = 0;
  (void)setrlimit(RLIMIT_CORE, &core);
}

static void limit(const struct spec *spec, int report) {
  // With secrets there is none whatever the job does: secrets.h.
  if (spec->secrets < 0) forbid_core();
  bound(RLIMIT_NOFILE, spec->files, report);
  bound(RLIMIT_NPROC, spec->processes, report);
  bound(RLIMIT_FSIZE, spec->disk, report);
}

// Its place among the host's processes. Written to /proc, so before an isolated job's becomes read-only.
static void take_place(const struct spec *spec, int report) {
  set_oom_score(OOM_SCORE);
  if (!spec->has_nice) return;
  if (setpriority(PRIO_PROCESS, 0, spec->nice) != 0) fail(report, STEP_LIMITS, errno);
  set_nice(spec->nice);
}

// The kernel's own calls: the C library's would tell threads, of which there are none. Groups first, as long as that is
// allowed. What was given up is looked at afterwards.
static void become_user(const struct spec *spec, int report, pid_t shim) {
  uid_t u[3];
  gid_t g[3];
  if (syscall(SYS_setgroups, spec->group_count, spec->groups) != 0 ||
      syscall(SYS_setresgid, spec->group, spec->group, spec->group) != 0 ||
      syscall(SYS_setresuid, spec->user, spec->user, spec->user) != 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || getresuid(&u[0], &u[1], &u[2]) != 0 ||
      getresgid(&g[0], &g[1], &g[2]) != 0) {
    fail(report, STEP_USER, errno);
  }
  for (int i = 0; i < 3; i++) {
    if (u[i] != spec->user || g[i] != spec->group) fail(report, STEP_USER, EPERM);
  }
  if (spec->user != 0 && syscall(SYS_setuid, 0) == 0) fail(report, STEP_USER, EPERM);
  // A session keyring stays with whoever had it: root's would be open to the job. Where keyrings are forbidden or do not
  // exist, nobody can open it either.
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM) {
    fail(report, STEP_USER, errno);
  }
  // The kernel forgets it with a change of user.
  die_with(shim, report);
}

// Whatever may be open, nothing but the job's own is to be open in its program.
static void close_at_exec(int kept) {
  if (kept > 3) syscall(SYS_close_range, 3, kept - 1, CLOSE_RANGE_CLOEXEC);
  syscall(SYS_close_range, kept >= 3 ? kept + 1 : 3, ~0u, CLOSE_RANGE_CLOEXEC);
}

// The job itself. With namespaces of its own it is in its working folder already, and `parent` is their init.
static _Noreturn void become(const struct spec *spec, const struct surroundings *around, pid_t parent, int is_apart) {
  if (!is_apart && fchdir(around->work) != 0) fail(around->report, STEP_WORK_FOLDER, errno);
  if (dup2(around->input, 0) < 0 || dup2(around->output[0], 1) < 0 || dup2(around->output[1], 2) < 0) {
    fail(around->report, STEP_CHILD, errno);
  }
  close_at_exec(spec->descriptor);
  umask(022);
  limit(spec, around->report);
  int rules = -1;
  if (spec->isolation != ISOLATION_NONE) {
    // Mounts are enough where it has none of the host's processes in sight either.
    enum step step = spec->isolation == ISOLATION_FILES ? isolate_rules(spec, &rules) : STEP_NONE;
    if (step != STEP_NONE) fail(around->report, step, errno);
    int error = isolate_capabilities(spec);
    if (error != 0) fail(around->report, STEP_ISOLATION, error);
  }
  if (spec->has_user) become_user(spec, around->report, parent);
  if (spec->isolation != ISOLATION_NONE && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fail(around->report, STEP_ISOLATION, errno);
  }
  if (rules >= 0) {
    int error = isolate_restrict(rules);
    if (error != 0) fail(around->report, STEP_ISOLATION, error);
  }
  reset_signals();
  char go;
  ssize_t got;
  do got = read(around->gate, &go, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) _exit(127);
  fail(around->report, STEP_EXEC, execute(spec));
}

// The first process of a pid namespace: without it nobody would take up what loses its parent in there, and with its end
// the kernel ends all the others. Signals that it does not handle do not reach it, but for the shim's KILL. It stays as
// long as anything does, so the job's own end is told as soon as it is there.
static _Noreturn void be_init(pid_t job, int ending) {
  // Nothing of the shim's may stay open here: least of all the job's pipes.
  if (ending > 0) syscall(SYS_close_range, 0, ending - 1, 0);
  syscall(SYS_close_range, ending + 1, ~0u, 0);
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid == job) (void)!write(ending, &status, sizeof status);
    if (pid < 0 && errno != EINTR) _exit(0);
  }
}

// What is done for the job's process before it becomes the job, where it has namespaces of its own.
static _Noreturn void set_apart(const struct spec *spec, const struct surroundings *around, pid_t shim) {
  enum step step = isolate_mounts(spec);
  if (step != STEP_NONE) fail(around->report, step, errno);
  if (spec->isolation == ISOLATION_FILES) become(spec, around, shim, 1);
  int error = isolate_network();
  if (error != 0) fail(around->report, STEP_ISOLATION, error);
  pid_t job = fork();
  if (job < 0) fail(around->report, STEP_FORK, errno);
  if (job > 0) be_init(job, around->ending);
  die_with(1, around->report);
  become(spec, around, 1, 1);
}

static _Noreturn void begin(const struct spec *spec, const struct surroundings *around, pid_t shim, uint64_t namespaces) {
  // From a pid namespace nobody sees who is outside of it; the gate's end tells the same.
  die_with(namespaces & CLONE_NEWPID ? 0 : shim, around->report);
  close(around->gate_keeper);
  if (setpgid(0, 0) != 0) fail(around->report, STEP_CHILD, errno);
  take_place(spec, around->report);
  if (namespaces != 0) set_apart(spec, around, shim);
  become(spec, around, shim, 0);
}

// As fork does, but with namespaces, and born in the cgroup where the kernel can (5.7): moving a process later stops all
// that are being born on the machine for some milliseconds.
static pid_t clone_process(uint64_t namespaces, int cgroup) {
  struct clone_args how = {.flags = namespaces, .exit_signal = SIGCHLD};
  if (cgroup >= 0) {
    how.flags |= CLONE_INTO_CGROUP;
    how.cgroup = (uint64_t)cgroup;
  }
  return (pid_t)syscall(SYS_clone3, &how, sizeof how);
}

pid_t job_fork(const struct spec *spec, const struct surroundings *around) {
  pid_t shim = getpid();
  uint64_t namespaces = isolate_namespaces(spec);
  pid_t pid = around->cgroup < 0 ? -1 : clone_process(namespaces, around->cgroup);
  if (pid == 0) begin(spec, around, shim, namespaces);
  if (pid > 0) return pid;
  pid = namespaces == 0 ? fork() : clone_process(namespaces, -1);
  if (pid != 0) return pid;
  int error = around->cgroup < 0 ? 0 : cgroup_enter(around->cgroup);
  if (error != 0) fail(around->report, STEP_CGROUP, error);
  begin(spec, around, shim, namespaces);
}

struct job job_started(pid_t pid, int report) {
  struct failure failure;
  struct job job = {.pid = pid};
  ssize_t got;
  do got = read(report, &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got != (ssize_t)sizeof failure) return job;  // closed by exec, or the child was killed: waiting will tell
  job.step = (enum step)failure.step;
  job.error = failure.error;
  job.path = failure.path;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return job;
}
