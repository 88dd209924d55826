import ArgumentParser
import Foundation
import Model
import Schedule
import ZoneInfo

struct CronCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cron",
    abstract: "The next due times of cron expressions, a second and core.",
    discussion: """
      Examples:
        belfry-bench cron
      """)

  @OptionGroup var options: BenchOptions

  func run() async throws {
    try await options.measure { try CronBenchmark(seconds: options.quick ? 0.2 : 1).run(into: $0) }
  }
}

/// Follows schedules from instant to instant.
struct CronBenchmark {
  /// For each expression.
  var seconds: Double

  private static let rows = [
    ("* * * * *", "UTC"),
    ("*/5 * * * *", "Europe/Berlin"),
    ("*/10 * * * * *", "Europe/Berlin"),
    ("30 2 * * *", "Europe/Berlin"),
    ("0 9 * * MON-FRI", "America/New_York"),
    ("0 0 1,8 * *", "Europe/Berlin"),
    ("15 6 1 1,7 *", "Asia/Tokyo"),
    ("0 0 29 2 *", "Europe/Berlin"),
  ]
  private static let start = Timestamp(seconds: 1_790_000_000)
  private static let batch = 1_000

  func run(into report: Report) throws {
    report.heading("cron", "the next due instant of an expression in a time zone, on one core")
    let zones = ZoneDatabase()
    for (expression, zone) in Self.rows {
      let schedule = try JobSchedule([.cron(expression: expression, timezone: zone)]) { name throws(ScheduleError) in
        try zones.zone(named: name)
      }
      let rate = Stopwatch.rate(batch: Self.batch, for: seconds) { Self.follow(schedule) }
      report.add(
        Figure(
          "\(expression)  \(zone)", rate, .perSecond,
          beside: .floor("localtime_r and timegm of the C library", floor(zone)), target: 500_000))
    }
    report.end()
  }

  private static func follow(_ schedule: JobSchedule) {
    var instant = start
    for _ in 0..<batch { instant = schedule.next(after: instant) ?? start }
  }

  /// One conversion to local time and back, which no search for a wall-clock time can do without.
  private func floor(_ zone: String) -> Double {
    setenv("TZ", zone, 1)
    tzset()
    defer {
      unsetenv("TZ")
      tzset()
    }
    var time = time_t(Self.start.seconds)
    return Stopwatch.rate(batch: Self.batch, for: seconds) {
      for _ in 0..<Self.batch {
        var parts = tm()
        localtime_r(&time, &parts)
        time = timegm(&parts) % 4_000_000_000 + 3_600
      }
    }
  }
}
