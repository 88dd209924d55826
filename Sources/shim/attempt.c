#include "attempt.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "arm.h"
#include "cgroup.h"
#include "crash.h"
#include "job.h"
#include "measure.h"
#include "output.h"
#include "secrets.h"
#include "status.h"
#include "supervise.h"

#define NOEXEC_SEAL 8u
// What the agent reads of these files at most.
#define ANSWER_LIMIT (64u << 10)
#define OUTPUTS_LIMIT (256u << 10)
#define LAST_LOOK_US (10 * 1000000)

struct attempt {
  int folder, status;
  struct spec *spec;
  struct mask mask;
  struct started started;
  struct ended ended;
  struct output output;
  struct channels channels;
  struct surroundings around;
  struct measure measure;
  int measured[MEASURED];  // the folders that have to be measured, or -1
  int report;  // the end of around.report that is read
  int gate;    // the end of around.gate that is written
};

// `path` of STEP_WRITABLE is the number of the path, else 0.
static int never_began(struct attempt *a, enum step step, int error, int path) {
  if (a->spec != NULL) secrets_remove_folder(a->spec);
  a->ended.kind = END_NEVER_BEGAN;
  a->ended.step = step;
  a->ended.error = error;
  a->ended.path = (uint32_t)path;
  a->ended.started_real = a->ended.ended_real = clock_us(CLOCK_REALTIME);
  return status_write_ended(a->status, &a->ended) == 0 ? EXIT_RECORDED : EXIT_NOT_DURABLE;
}

int attempt_refuse(int status, int error) {
  static struct attempt a;
  a.status = status;
  return never_began(&a, STEP_SPEC, error, 0);
}

// A descriptor that reads what the spec says, or -1 with errno.
static int open_input(const struct spec *spec) {
  if (spec->input == NULL) return open("/dev/null", O_RDONLY | O_CLOEXEC);
  // Not executable, which some hosts insist on; kernels before 6.3 do not know the word.
  int fd = memfd_create("stdin", MFD_CLOEXEC | NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memfd_create("stdin", MFD_CLOEXEC);
  if (fd < 0) return -1;
  if (write_at(fd, spec->input, spec->input_length, 0) == 0 &&
      (!spec->has_user || fchown(fd, spec->user, spec->group) == 0)) {
    return fd;
  }
  close(fd);
  return -1;
}

// The working folder, or -1 with errno. One that is kept between runs is never two runs' at once, whoever starts them: its
// lock goes with this process. It is taken on the folder around it, which the job cannot open.
static int open_work_folder(int folder, const struct spec *spec) {
  int around = folder;
  if (spec->kept_folder != NULL) {
    around = open(spec->kept_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (around < 0 || flock(around, LOCK_EX | LOCK_NB) != 0) return -1;
  }
  return openat(around, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static void open_measured(struct attempt *a) {
  if (a->spec->disk == 0) return;
  a->measured[0] = a->around.work;
  a->measured[1] = openat(a->folder, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  a->measured[2] = openat(a->folder, "artifacts", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

// STEP_NONE, or the step that failed, with errno.
static enum step prepare(struct attempt *a) {
  int report[2], gate[2];
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGUSR1);
  a->around.work = open_work_folder(a->folder, a->spec);
  if (a->around.work < 0) return STEP_WORK_FOLDER;
  if (a->spec->cgroup != NULL && (a->around.cgroup = cgroup_open(a->spec->cgroup)) < 0) return STEP_CGROUP;
  open_measured(a);
  a->around.input = open_input(a->spec);
  a->channels.signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  a->channels.timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (a->around.input < 0 || a->channels.signals < 0 || a->channels.timer < 0) return STEP_PREPARE;
  if (pipe2(report, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0) return STEP_PREPARE;
  if (output_connect(&a->output, a->around.output) != 0) return STEP_PREPARE;
  a->around.ending = a->channels.ending = -1;
  if (a->spec->isolation == ISOLATION_FULL) {
    int ending[2];
    if (pipe2(ending, O_CLOEXEC) != 0 || fcntl(ending[0], F_SETFL, O_NONBLOCK) != 0) return STEP_PREPARE;
    a->channels.ending = ending[0];
    a->around.ending = ending[1];
  }
  // So that the job may open /dev/stdout anew, which belongs to whoever made it.
  for (int i = 0; i < STREAMS && a->spec->has_user; i++) {
    if (fchown(a->around.output[i], a->spec->user, a->spec->group) != 0) return STEP_USER;
  }
  a->report = report[0];
  a->gate = gate[1];
  a->around.gate = gate[0];
  a->around.gate_keeper = gate[1];
  a->around.report = report[1];
  if (a->spec->secrets >= 0) {
    errno = secrets_take(a->spec, &a->mask);
    if (errno != 0) return STEP_SECRETS;
    a->output.mask = &a->mask;
  }
  errno = job_prepare(a->spec);
  return errno == 0 ? STEP_NONE : STEP_EXEC;
}

// Forks the job's process, which gets ready and then waits at the gate.
static struct job fork_job(struct attempt *a) {
  pid_t pid = job_fork(a->spec, &a->around);
  if (pid < 0) return (struct job){.step = STEP_FORK, .error = errno};
  close(a->around.gate);
  close(a->around.report);
  for (int i = 0; i < STREAMS; i++) close(a->around.output[i]);
  close(a->around.input);
  if (a->around.ending >= 0) close(a->around.ending);
  if (a->spec->disk == 0) close(a->around.work);
  secrets_wipe();
  return (struct job){.pid = pid};
}

// The process at the gate shall not pass. It may still be on its way there and hang in a dead disk, which KILL does not end;
// then the flag says so.
static void dismiss(struct attempt *a, pid_t pid) {
  kill(pid, SIGKILL);
  int64_t give_up = clock_us(CLOCK_BOOTTIME) + GIVE_UP_US;
  struct pollfd polls[] = {{.fd = a->channels.signals, .events = POLLIN}};
  for (;;) {
    // A failure other than an interruption is that there is no such child.
    if (waitpid(pid, NULL, WNOHANG) != 0) return;
    int64_t left = give_up - clock_us(CLOCK_BOOTTIME);
    if (left <= 0) break;
    // Its end is a signal; one that asks for something has nothing to ask for any more.
    if (poll(polls, 1, (int)(left / 1000 + 1)) > 0) (void)take_signals(a->channels.signals);
  }
  a->ended.flags |= FLAG_UNKILLABLE;
}

// Waits until the job's process has reached its program. That may take for ever: whoever may signal it can stop it at the
// gate, and a program may lie on a disk that hangs. So the timeout and a cancel count here too; then it is killed, and the
// flag says why.
static struct job await_start(struct attempt *a, pid_t pid) {
  struct pollfd polls[] = {{.fd = a->report, .events = POLLIN}, {.fd = a->channels.signals, .events = POLLIN}};
  int64_t end = a->started.boot + (int64_t)a->spec->timeout;
  for (;;) {
    int64_t left = (end - clock_us(CLOCK_BOOTTIME) + 999) / 1000;
    int ready = poll(polls, 2, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
    if (ready < 0) continue;
    // Before the clock: what has reached its program has the grace of the timeout, however late the shim wakes up.
    if (ready > 0 && polls[0].revents != 0) return job_started(pid, a->report);
    if (ready > 0 && (take_signals(a->channels.signals) & ASKED_TO_END) == 0) continue;
    if (ready == 0 && left > 0) continue;
    a->ended.flags |= ready > 0 ? FLAG_CANCELLED : FLAG_TIMED_OUT;
    kill(pid, SIGKILL);
    return (struct job){.pid = pid};
  }
}

// Opens the gate. On failure the job's `step` says where, and its process is gone.
static struct job start(struct attempt *a, pid_t pid) {
  a->started.stage = STAGE_ABOUT_TO_START;
  a->started.shim = getpid();
  a->started.real = a->ended.started_real = clock_us(CLOCK_REALTIME);
  a->started.boot = clock_us(CLOCK_BOOTTIME);
  // Without this mark a dead shim would look as if nothing had run.
  int error = status_write_started(a->status, &a->started);
  if (error != 0) {
    dismiss(a, pid);
    return (struct job){.step = STEP_PREPARE, .error = error};
  }
  crash_if(a->spec->crash, "beforeStart");
  // Fails only when the process is gone, which waiting for it tells.
  (void)!write(a->gate, "", 1);
  close(a->gate);
  crash_if(a->spec->crash, "afterStart");
  struct job job = await_start(a, pid);
  close(a->report);
  if (job.step != STEP_NONE) return job;

  a->started.stage = STAGE_RUNNING;
  a->started.job = pid;
  // The place is allocated; should it fail all the same, the first stage's mark still says the truth.
  (void)status_write_started(a->status, &a->started);
  crash_if(a->spec->crash, "afterStartedRecord");
  return job;
}

static void account(struct attempt *a) {
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  a->ended.user = (int64_t)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
  a->ended.system = (int64_t)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
  a->ended.peak = (int64_t)usage.ru_maxrss * 1024;
  a->ended.written = a->output.written;
  a->ended.recorded = a->output.recorded;
  if (a->output.failed != 0) a->ended.flags |= FLAG_OUTPUT_FAILED;
  if (a->around.cgroup >= 0) {
    if (!cgroup_empty(a->around.cgroup)) a->ended.flags |= FLAG_UNKILLABLE;
    cgroup_account(a->around.cgroup, &a->ended);
  }
  if (a->spec->disk == 0) return;
  // A last look: between two looks there is time to write much and to end. Not for ever: the run's end waits for it.
  int64_t give_up = clock_us(CLOCK_BOOTTIME) + LAST_LOOK_US;
  measure_begin(&a->measure, a->measured);
  while (!measure_step(&a->measure, NAMES_AT_ONCE) && a->measure.sum <= a->spec->disk) {
    if (clock_us(CLOCK_BOOTTIME) >= give_up) break;
  }
  measure_end(&a->measure);
  if (a->measure.sum > a->spec->disk) a->ended.flags |= FLAG_DISK;
  // It may have been told by a signal or an error, and not have told anybody.
  if (a->measure.longest >= a->spec->disk) a->ended.flags |= FLAG_FILE_LIMIT;
}

// What the job gave back is on the disk before the record that says how it ended: the host could lose its power then, and
// the record would stand alone. 0 or errno.
static int sync_given_back(int folder) {
  static const char *const names[] = {"outputs", "answer"};
  int error = 0;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct stat info;
    // Not to wait for a fifo that the job may have put in its place.
    int fd = openat(folder, names[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) continue;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && fdatasync(fd) != 0) error = errno;
    close(fd);
  }
  return error;
}

static int finish(struct attempt *a) {
  output_end();
  account(a);
  if (a->output.mask != NULL) {
    int answer = secrets_mask_file(a->folder, "answer", a->output.mask, ANSWER_LIMIT);
    int outputs = secrets_mask_file(a->folder, "outputs", a->output.mask, OUTPUTS_LIMIT);
    if (answer != 0 || outputs != 0) a->ended.flags |= FLAG_UNMASKED;
  }
  secrets_remove_folder(a->spec);
  int error = output_sync(&a->output), given_back = sync_given_back(a->folder);
  if (error == 0) error = given_back;
  a->ended.sync_error = error;
  crash_if(a->spec->crash, "beforeExitRecord");
  if (crash_wanted(a->spec->crash, "halfExitRecord")) {
    status_write_half_ended(a->status, &a->ended);
    crash_if(a->spec->crash, "halfExitRecord");
  }
  int failed = status_write_ended(a->status, &a->ended);
  if (failed != 0 && error == 0) {
    // It may still reach the agent while the machine stays up, and then must not claim to be durable.
    a->ended.sync_error = error = failed;
    (void)status_write_ended(a->status, &a->ended);
  }
  crash_if(a->spec->crash, "afterExitRecord");
  return error == 0 ? EXIT_RECORDED : EXIT_NOT_DURABLE;
}

static int run(struct attempt *a) {
  const struct spec *spec = a->spec;
  enum step step = prepare(a);
  if (step != STEP_NONE) return never_began(a, step, errno, 0);
  struct job job = fork_job(a);
  if (job.step != STEP_NONE) return never_began(a, job.step, job.error, job.path);
  if (spec->start_at != 0) output_prepare(&a->output);
  crash_if(spec->crash, "armed");
  switch (arm_wait(spec, a->channels.signals, job.pid)) {
    case ARM_GO: break;
    case ARM_DIED: {
      struct job dead = job_started(job.pid, a->report);
      if (dead.step == STEP_NONE) dead = (struct job){.step = STEP_CHILD, .error = ECHILD};
      return never_began(a, dead.step, dead.error, dead.path);
    }
    case ARM_CANCELLED: a->ended.flags |= FLAG_CANCELLED; dismiss(a, job.pid); return never_began(a, STEP_NONE, 0, 0);
    case ARM_DISARMED: a->ended.flags |= FLAG_DISARMED; dismiss(a, job.pid); return never_began(a, STEP_NONE, 0, 0);
  }
  job = start(a, job.pid);
  if (job.step != STEP_NONE) return never_began(a, job.step, job.error, job.path);

  struct places places = {.measured = a->measured, .cgroup = a->around.cgroup, .measure = &a->measure};
  supervise(spec, job.pid, a->started.boot, a->channels, places, &a->output, &a->ended);
  // What is due at the same instant as this one starts first; writing down an end can wait that long. As far as it goes:
  // of a hundred that are due at once, the ended ones must not all together outweigh the few that are left. Not before
  // all that it started is gone: hunting that down must not give way to it.
  job_give_way();
  // Every descendant is gone, so what they wrote is in the pipes. A stranger that was handed one may go on writing for
  // ever.
  output_take_rest(&a->output);
  crash_if(spec->crash, "afterJobEnd");
  return finish(a);
}

int attempt_run(int folder, int status, struct spec *spec) {
  static struct attempt a;
  a.folder = folder;
  a.status = status;
  a.spec = spec;
  a.around.cgroup = -1;
  a.output = (struct output){.folder = folder, .fd = -1, .head = spec->head, .tail = spec->tail};
  int code = run(&a);
  if (a.around.cgroup >= 0) cgroup_remove(spec->cgroup);
  return code;
}
