/// A named set of times, such as holidays or a freeze, complete in itself.
public struct Calendar: Hashable, Sendable {
  /// As `belfry.yaml` names it.
  public var name: String
  /// The IANA zone in which its windows' days and times of day are meant.
  public var timezone: String
  /// It is in force while any of them is. At most ``windowLimit``.
  public var windows: [Window]

  public static let windowLimit = 10_000
  /// Of the windows, how many may be ``Window/recurring(_:)``: each is asked by itself at every firing.
  public static let recurrenceLimit = 1_000
  /// The sum of ``Recurrence/count`` of all its windows.
  public static let countedLimit = 100_000
  /// How long a window that repeats may be.
  public static let longestWindow = Duration.seconds(366 * 86_400)

  public enum Window: Hashable, Sendable {
    /// Whole days, both included.
    case days(first: Day, last: Day)
    /// On each of the weekdays (0 is Sunday) from one time of day to another, in minutes since midnight. An end that is
    /// not later than the start lies on the following day; 0...1439 and 1...1440.
    case weekly(days: [Int], from: Int, to: Int)
    /// From each instant of a cron expression on, for so long.
    case cron(expression: String, length: Duration)
    /// From one instant, included, to another, not included.
    case span(from: Timestamp, to: Timestamp)
    /// An event of an iCalendar file that repeats.
    case recurring(Recurrence)
  }

  /// A date of the proleptic Gregorian calendar, years 1 to 9999.
  public struct Day: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public var number: Int

    /// 9999-12-31, after which no date has four digits of its year.
    public static let last = Day(number: CivilTime.days(year: 9_999, month: 12, day: 31))

    public init(number: Int) { self.number = number }

    /// Nil when there is no such date.
    public init?(year: Int, month: Int, day: Int) {
      guard (1...9_999).contains(year), (1...12).contains(month),
        (1...CivilTime.daysInMonth(month, of: year)).contains(day)
      else { return nil }
      number = CivilTime.days(year: year, month: month, day: day)
    }

    /// `YYYY-MM-DD`; nil for anything else.
    public init?(_ text: String) {
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 3, zip(parts, [4, 2, 2]).allSatisfy({ $0.utf8.count == $1 }),
        parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }), let year = Int(parts[0]),
        let month = Int(parts[1]), let day = Int(parts[2])
      else { return nil }
      self.init(year: year, month: month, day: day)
    }

    public var description: String { String(Timestamp(seconds: Int64(number) * 86_400).description.prefix(10)) }
    public static func < (a: Day, b: Day) -> Bool { a.number < b.number }
  }

  /// The events that repeat, among its windows.
  public var recurrences: [Recurrence] {
    windows.compactMap { if case .recurring(let recurrence) = $0 { recurrence } else { nil } }
  }

  /// What is wrong with a calendar's name: it wants one segment of a ``JobName``'s grammar of at most 63 bytes. Nil
  /// when it is fine.
  public static func problem(inName name: String) -> String? {
    guard name.utf8.count <= 63 else { return "a calendar's name has at most 63 characters" }
    return NameGrammar.problem(in: name[...])
  }

  public init(name: String, timezone: String = "UTC", windows: [Window]) {
    self.name = name
    self.timezone = timezone
    self.windows = windows
  }
}

/// An event that repeats: what Belfry takes of RFC 5545's DTSTART, DURATION, RRULE and EXDATE.
public struct Recurrence: Hashable, Sendable {
  public enum Frequency: String, Hashable, Sendable, CaseIterable {
    case daily, weekly, monthly, yearly
  }

  /// A weekday, or with an ordinal the nth of the month or year, counted from its end when negative.
  public struct Weekday: Hashable, Sendable {
    public var ordinal: Int?
    /// 0 is Sunday.
    public var day: Int

    public init(ordinal: Int? = nil, day: Int) {
      self.ordinal = ordinal
      self.day = day
    }
  }

  public static let intervalLimit = 10_000
  public static let countLimit = 10_000
  public static let excludedLimit = 1_000

  /// The first one's start, whether or not the rule says so, as wall time of ``timezone``.
  public var start: CivilTime
  public var timezone: String
  /// Nominal: added to the wall time of each start for whole days, so that a day is a day also when the clock changes.
  public var days: Int
  /// Exact: added after ``days``. Not both are zero.
  public var length: Duration
  public var frequency: Frequency
  /// From 1, at most ``intervalLimit``.
  public var interval: Int
  /// All starts, the first and those that are left out included; nil means no limit. At most ``countLimit``, because
  /// where they end is found by counting them.
  public var count: Int?
  /// None starts later; nil means no limit.
  public var until: Timestamp?
  public var byMonth: [Int]
  public var byMonthDay: [Int]
  public var byDay: [Weekday]
  /// The day on which a week begins, 0 is Sunday; matters for weekly ones with an interval.
  public var weekStart: Int
  /// Starts that are left out, as wall times of ``timezone``, ascending. At most ``excludedLimit``.
  public var excluded: [CivilTime]

  public init(
    start: CivilTime, timezone: String, days: Int = 0, length: Duration = .zero, frequency: Frequency,
    interval: Int = 1, count: Int? = nil, until: Timestamp? = nil, byMonth: [Int] = [], byMonthDay: [Int] = [],
    byDay: [Weekday] = [], weekStart: Int = 1, excluded: [CivilTime] = []
  ) {
    self.start = start
    self.timezone = timezone
    self.days = days
    self.length = length
    self.frequency = frequency
    self.interval = interval
    self.count = count
    self.until = until
    self.byMonth = byMonth
    self.byMonthDay = byMonthDay
    self.byDay = byDay
    self.weekStart = weekStart
    self.excluded = excluded
  }
}
