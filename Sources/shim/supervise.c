#include "supervise.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "sweep.h"

#define FIRST_PASS_US 2000
#define LONGEST_PASS_US 200000
// How much is read before looking at clocks and signals again, so that a flood cannot keep its own timeout away.
#define TAKEN_AT_ONCE (512u << 10)
// How long to rest between two looks at the job's folders: this, or so many times what the last one took, so that a folder of
// a million files costs a fifth of a core and no more.
#define REST_US 250000
#define REST_FACTOR 4
// How long output is held back that may be the beginning of a secret, while no more of it comes.
#define HOLD_MS 1000

enum phase { RUNNING, LINGERING, TERMINATING, KILLING };

struct supervision {
  const struct spec *spec;
  struct channels channels;
  struct places places;
  struct ended *ended;
  pid_t job;
  int reaped;  // of the job's process: from then on its number may belong to a stranger
  int ended_job;  // the job itself has ended; the init of its pid namespace may still be there
  enum phase phase;
  int64_t started;
  int64_t give_up;
  int64_t pass;
  int64_t look;    // when the next look at the working folder is due
  int64_t looked;  // when the one that is going on began
};

static void set_timer(struct supervision *s, int64_t at) {
  if (at < 1) at = 1;
  struct itimerspec when = {.it_value = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000}};
  timerfd_settime(s->channels.timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static unsigned signal_all(struct supervision *s, int signal) {
  // What is left when only the init lives is counted one by one.
  int by_group = !s->reaped && !(s->ended_job && signal != SIGKILL);
  pid_t told = by_group && kill(-s->job, signal) == 0 ? s->job : 0;
  return sweep(signal, told, s->channels.ending >= 0 && !s->reaped ? s->job : 0);
}

static void terminate(struct supervision *s) {
  s->phase = TERMINATING;
  unsigned reached = signal_all(s, s->spec->stop_signal);
  // A stopped process would sleep through it.
  signal_all(s, SIGCONT);
  if (s->ended_job) s->ended->left_behind = reached;
  set_timer(s, clock_us(CLOCK_BOOTTIME) + (int64_t)s->spec->grace);
}

static void kill_pass(struct supervision *s) {
  int64_t now = clock_us(CLOCK_BOOTTIME);
  if (s->phase != KILLING) {
    s->phase = KILLING;
    s->give_up = now + GIVE_UP_US;
    s->pass = FIRST_PASS_US;
  }
  signal_all(s, SIGKILL);
  if (s->places.cgroup >= 0) cgroup_kill(s->places.cgroup);
  set_timer(s, now + s->pass);
  if (s->pass < LONGEST_PASS_US) s->pass *= 2;
}

static void job_ended(struct supervision *s, int status) {
  s->ended_job = 1;
  s->ended->kind = WIFEXITED(status) ? END_EXITED : END_SIGNALLED;
  s->ended->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  s->ended->ended_real = clock_us(CLOCK_REALTIME);
  s->ended->elapsed = clock_us(CLOCK_BOOTTIME) - s->started;
  if (s->phase != RUNNING) return;
  s->phase = LINGERING;
  set_timer(s, clock_us(CLOCK_BOOTTIME) + (int64_t)s->spec->linger);
}

// What the init of the job's pid namespace says.
static void take_ending(struct supervision *s) {
  int status;
  if (s->ended_job || s->channels.ending < 0) return;
  if (read(s->channels.ending, &status, sizeof status) == (ssize_t)sizeof status) job_ended(s, status);
}

// 1 when nothing is left to wait for.
static int reap(struct supervision *s) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != s->job) continue;
    s->reaped = 1;
    take_ending(s);
    // An init that was killed has told nothing, and the job went with it.
    if (!s->ended_job) job_ended(s, status);
  }
  return pid < 0 && errno == ECHILD;
}

int take_signals(int signals) {
  struct signalfd_siginfo info;
  int asked = ASKED_NOTHING;
  while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGTERM) asked |= ASKED_TO_END;
    if (info.ssi_signo == SIGUSR1) asked |= ASKED_NOT_TO_START;
  }
  return asked;
}

// 1 when what is left cannot be killed.
static int on_timer(struct supervision *s) {
  uint64_t expirations;
  if (read(s->channels.timer, &expirations, sizeof expirations) < 0) return 0;
  if (s->phase == RUNNING) s->ended->flags |= FLAG_TIMED_OUT;
  if (s->phase == RUNNING || s->phase == LINGERING) {
    terminate(s);
    return 0;
  }
  if (s->phase == KILLING && clock_us(CLOCK_BOOTTIME) >= s->give_up) return 1;
  kill_pass(s);
  return 0;
}

static void on_signals(struct supervision *s) {
  // Who asks a running job not to start has come too late.
  if ((take_signals(s->channels.signals) & ASKED_TO_END) == 0) return;
  // After the job's own end a cancel changes nothing about how it ended; it only ends the waiting for the rest.
  if (s->phase == RUNNING) s->ended->flags |= FLAG_CANCELLED;
  if (s->phase == RUNNING || s->phase == LINGERING) terminate(s);
}

// How long poll may wait, in ms, before the working folder is to be looked at; -1 when it need not be.
static int until_look(const struct supervision *s) {
  if (s->spec->disk == 0 || s->phase > LINGERING) return -1;
  if (s->places.measure->depth > 0) return 0;
  int64_t left = s->look - clock_us(CLOCK_BOOTTIME);
  return left <= 0 ? 0 : (int)(left / 1000 + 1);
}

static void look_at_disk(struct supervision *s) {
  struct measure *measure = s->places.measure;
  if (measure->depth == 0) {
    s->looked = clock_us(CLOCK_BOOTTIME);
    measure_begin(measure, s->places.measured);
  }
  int through = measure_step(measure, NAMES_AT_ONCE);
  // Before it is through, too: it can only become more.
  if (measure->sum > s->spec->disk) {
    measure_end(measure);
    s->ended->flags |= FLAG_DISK;
    terminate(s);
  } else if (through) {
    int64_t now = clock_us(CLOCK_BOOTTIME), rest = REST_FACTOR * (now - s->looked);
    s->look = now + (rest > REST_US ? rest : REST_US);
  }
}

void supervise(const struct spec *spec, pid_t job, int64_t started, struct channels channels, struct places places,
               struct output *output, struct ended *ended) {
  struct supervision s = {
    .spec = spec, .channels = channels, .places = places, .ended = ended, .job = job, .started = started};
  ended->kind = END_UNKNOWN;
  set_timer(&s, started + (int64_t)spec->timeout);
  // It was to end before it had reached its program.
  if (ended->flags & (FLAG_CANCELLED | FLAG_TIMED_OUT)) kill_pass(&s);
  struct pollfd polls[] = {
    {.fd = channels.signals, .events = POLLIN},
    {.fd = channels.timer, .events = POLLIN},
    {.fd = output->ready, .events = POLLIN},
    {.fd = channels.ending, .events = POLLIN},
  };
  // Its signal may have been taken while it waited at the gate.
  int over = reap(&s);
  // When output came last, in milliseconds.
  int64_t heard = 0;
  while (!over) {
    int wait = until_look(&s);
    int64_t held_until = heard + HOLD_MS, left = held_until - clock_us(CLOCK_MONOTONIC) / 1000;
    if (output_is_holding() && (wait < 0 || wait > left)) wait = left > 0 ? (int)left : 0;
    int ready = poll(polls, 4, wait);
    if (ready < 0) continue;
    // Only now: the rest may have come while the disk kept this process waiting.
    if (polls[2].revents == 0 && clock_us(CLOCK_MONOTONIC) / 1000 >= held_until) output_pause();
    if (polls[3].revents != 0) {
      take_ending(&s);
      polls[3].fd = -1;
    }
    // Ends before clocks: a job that ended in time has not timed out because the shim woke up late.
    if (polls[0].revents != 0) {
      over = reap(&s);
      on_signals(&s);
      // Again: a child may have ended between the two, and its signal has just been taken.
      if (over || reap(&s)) break;
      if (s.phase == KILLING) kill_pass(&s);
    }
    if (polls[1].revents != 0 && on_timer(&s)) {
      ended->flags |= FLAG_UNKILLABLE;
      break;
    }
    if (polls[2].revents != 0) {
      if (output_take(output, TAKEN_AT_ONCE)) polls[2].fd = -1;
      heard = clock_us(CLOCK_MONOTONIC) / 1000;
    }
    if (until_look(&s) == 0) look_at_disk(&s);
  }
  if (spec->disk != 0) measure_end(places.measure);
  if (ended->kind == END_UNKNOWN) {
    ended->ended_real = clock_us(CLOCK_REALTIME);
    ended->elapsed = clock_us(CLOCK_BOOTTIME) - started;
  }
}
