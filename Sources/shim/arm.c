#include "arm.h"

#include <poll.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "shim.h"
#include "supervise.h"

// No agent arms so far ahead: the clock was set back between its decision and this program.
#define FARTHEST_US (60 * 1000000)

// A timer that goes off at the instant, and with ECANCELED as soon as somebody sets the clock: what was decided by the
// old clock must not start by the new one.
static int timer_at(int64_t instant) {
  int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer < 0) return -1;
  struct itimerspec when = {.it_value = {.tv_sec = instant / 1000000, .tv_nsec = instant % 1000000 * 1000}};
  if (timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) == 0) return timer;
  close(timer);
  return -1;
}

static enum arming look_at_clock(const struct spec *spec) {
  int64_t now = clock_us(CLOCK_REALTIME), instant = (int64_t)spec->start_at;
  // The timer never goes off early, so a clock before the instant was set back in the same moment.
  return now < instant || now > (int64_t)spec->start_by ? ARM_DISARMED : ARM_GO;
}

// What comes of the pending signals; ARM_GO when they say nothing.
static enum arming look_at_signals(int signals, pid_t job) {
  int asked = take_signals(signals);
  if (asked & ASKED_TO_END) return ARM_CANCELLED;
  if (asked & ASKED_NOT_TO_START) return ARM_DISARMED;
  return waitpid(job, NULL, WNOHANG) == job ? ARM_DIED : ARM_GO;
}

enum arming arm_wait(const struct spec *spec, int signals, pid_t job) {
  if (spec->start_at == 0) return look_at_signals(signals, job);
  // The timer first: a clock that is set after it was looked at cancels it.
  int timer = timer_at((int64_t)spec->start_at);
  if (timer < 0) return ARM_DISARMED;
  enum arming result = ARM_DISARMED;
  if ((int64_t)spec->start_at - clock_us(CLOCK_REALTIME) <= FARTHEST_US) {
    struct pollfd polls[] = {{.fd = signals, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
    for (;;) {
      if (poll(polls, 2, -1) < 0) continue;
      if (polls[0].revents != 0) {
        result = look_at_signals(signals, job);
        if (result != ARM_GO) break;
      }
      if (polls[1].revents != 0) {
        uint64_t expirations;
        ssize_t got = read(timer, &expirations, sizeof expirations);
        if (got < 0 && errno != ECANCELED) continue;
        result = got < 0 ? ARM_DISARMED : look_at_clock(spec);
        break;
      }
    }
  }
  close(timer);
  return result;
}
