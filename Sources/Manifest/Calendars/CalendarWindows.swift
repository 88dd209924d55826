import Model

/// Gathers the windows of a calendar in one form, whatever order they were written in: days and spans come first,
/// ascending, those that overlap or touch as one. So a change that changes no time changes no bundle.
struct CalendarWindows {
  private var days: [(first: Calendar.Day, last: Calendar.Day)] = []
  private var spans: [(from: Timestamp, to: Timestamp)] = []
  private var others: [Calendar.Window] = []

  mutating func add(_ windows: [Calendar.Window]) {
    for window in windows {
      switch window {
      case .days(let first, let last): days.append((first, last))
      case .span(let from, let to): spans.append((from, to))
      case .weekly, .cron, .recurring: others.append(window)
      }
    }
  }

  var all: [Calendar.Window] {
    var (days, spans) = ([(first: Calendar.Day, last: Calendar.Day)](), [(from: Timestamp, to: Timestamp)]())
    for next in self.days.sorted(by: { $0.first < $1.first }) {
      if let last = days.last, next.first.number <= last.last.number + 1 {
        days[days.count - 1].last = max(last.last, next.last)
      } else {
        days.append(next)
      }
    }
    for next in self.spans.sorted(by: { $0.from < $1.from }) {
      if let last = spans.last, next.from <= last.to {
        spans[spans.count - 1].to = max(last.to, next.to)
      } else {
        spans.append(next)
      }
    }
    return days.map { .days(first: $0.first, last: $0.last) } + spans.map { .span(from: $0.from, to: $0.to) } + others
  }
}
