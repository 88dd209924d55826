// ScheduleTests: cron grammar and search, time zone rules, gaps and repeats, merged triggers.

import Model
import Schedule
import Testing
import ZoneInfo

/// The zones of Tests/Fixtures, so that results do not depend on the machine's database.
let zones = ZoneDatabase(folder: fixtures("zoneinfo"))

func fixtures(_ name: String, file: String = #filePath) -> String {
  file.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/" + name
}

func zone(_ name: String) throws -> TimeZoneRules { try zones.zone(named: name) }

func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text), "\(text)") }

/// Reads `2026-03-10 12:00` or `2026-03-10 12:00:59`.
func civil(_ text: String) throws -> CivilTime {
  let numbers = text.split { " -:".contains($0) }.compactMap { Int($0) }
  try #require((5...6).contains(numbers.count), "\(text)")
  return CivilTime(
    year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
    second: numbers.count == 6 ? numbers[5] : 0)
}

/// The form that ``civil(_:)`` reads, seconds only where they are not 0.
func text(_ time: CivilTime) -> String {
  let date = "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2))"
  let minutes = "\(padded(time.hour, 2)):\(padded(time.minute, 2))"
  return date + " " + minutes + (time.second == 0 ? "" : ":" + padded(time.second, 2))
}

extension ZonedCron {
  init(_ text: String, _ zoneName: String) throws {
    self.init(try CronExpression(text), in: try zones.zone(named: zoneName))
  }
}
