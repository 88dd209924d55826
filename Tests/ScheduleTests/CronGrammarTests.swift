import Model
import Schedule
import Testing

@Suite struct CronGrammarTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    var expression: String
    var offset: Int
    /// Part of the message.
    var says: String
    /// Part of the suggestion; nil where the row says nothing about it.
    var suggests: String?

    init(_ expression: String, at offset: Int, _ says: String, suggests: String? = nil) {
      self.expression = expression
      self.offset = offset
      self.says = says
      self.suggests = suggests
    }

    var testDescription: String { "'\(expression.prefix(40))'" }
  }

  static let refusals: [Refusal] = [
    // Shape.
    Refusal("", at: 0, "empty"),
    Refusal(" \t ", at: 0, "empty"),
    Refusal("*", at: 1, "1 field given; want 5 fields"),
    Refusal("* * * *", at: 7, "4 fields given"),
    Refusal("* * * * * * * *", at: 14, "8 fields given"),
    Refusal("* * * * * 2027", at: 10, "a year needs all 7 fields", suggests: "'0 *"),
    Refusal("0 0 1 1 * 2027-2029", at: 10, "a year needs all 7 fields"),
    Refusal("* * * * *\n", at: 9, "cannot stand here"),
    Refusal("*\u{a0}* * * * *", at: 1, "cannot stand here"),
    Refusal("TZ=Europe/Berlin 0 2 * * *", at: 0, "time zone", suggests: "'timezone'"),
    Refusal("CRON_TZ=UTC 0 2 * * *", at: 0, "time zone", suggests: "'timezone'"),
    // Nicknames.
    Refusal("@", at: 0, "unknown nickname"),
    Refusal("@dayly", at: 0, "unknown nickname '@dayly'", suggests: "@daily"),
    Refusal("@Daily", at: 0, "unknown nickname", suggests: "@daily"),
    Refusal("@daily 5", at: 7, "nothing may follow"),
    Refusal("@reboot", at: 0, "names no time"),
    Refusal("@every 5m", at: 0, "not a cron nickname", suggests: "every: …"),
    // Numbers out of range.
    Refusal("60 * * * *", at: 0, "minute 60 is not within 0-59"),
    Refusal("0 24 * * *", at: 2, "hour 24 is not within 0-23"),
    Refusal("0 0 0 * *", at: 4, "day-of-month 0 is not within 1-31"),
    Refusal("0 0 32 * *", at: 4, "day-of-month 32"),
    Refusal("0 0 1 0 *", at: 6, "month 0 is not within 1-12"),
    Refusal("0 0 1 13 *", at: 6, "month 13"),
    Refusal("0 0 * * 8", at: 8, "day-of-week 8 is not within 0-7"),
    Refusal("60 0 0 * * *", at: 0, "second 60"),
    Refusal("0 60 0 * * *", at: 2, "minute 60"),
    Refusal("99999999999999999999 * * * *", at: 0, "minute 99999999999999999999 is not within"),
    Refusal("1-60 * * * *", at: 2, "minute 60"),
    Refusal("0 0 1-32 * *", at: 6, "day-of-month 32"),
    Refusal("-5 * * * *", at: 0, "'-' cannot stand here"),
    Refusal("5- * * * *", at: 2, "want a minute after '-'"),
    Refusal("1-5-9 * * * *", at: 3, "'-' cannot stand here"),
    Refusal("1.5 * * * *", at: 1, "'.' cannot stand here"),
    // Lists.
    Refusal(", * * * *", at: 0, "empty element"),
    Refusal("1, * * * *", at: 2, "want a minute after ','"),
    Refusal("1,,2 * * * *", at: 2, "empty element"),
    Refusal("* 1,24 * * *", at: 4, "hour 24"),
    // Ranges that run backwards.
    Refusal("50-10 * * * *", at: 0, "50-10 runs backwards", suggests: "50-59,0-10"),
    Refusal("0 22-2 * * *", at: 2, "22-2 runs backwards", suggests: "22-23,0-2"),
    Refusal("0 23-0 * * *", at: 2, "23-0 runs backwards", suggests: "'23,0'"),
    Refusal("0 0 1 NOV-FEB *", at: 6, "11-2 runs backwards", suggests: "11-12,1-2"),
    Refusal("0 0 * * 6-1", at: 8, "6-1 runs backwards", suggests: "6-7,0-1"),
    Refusal("0 0 * * 5-0", at: 8, "5-0 runs backwards", suggests: "5-7,0"),
    Refusal("0 0 * * FRI-MON", at: 8, "5-1 runs backwards"),
    // Steps.
    Refusal("*/0 * * * *", at: 2, "step of 0"),
    Refusal("*/ * * * *", at: 2, "want a number after '/'"),
    Refusal("*/-5 * * * *", at: 2, "want a number after '/'"),
    Refusal("*/5/5 * * * *", at: 3, "'/' cannot stand here"),
    Refusal("*/a * * * *", at: 2, "want a number"),
    Refusal("/5 * * * *", at: 0, "'/' cannot stand here"),
    Refusal("5/15 * * * *", at: 0, "'*' or a range in front", suggests: "5-59/…"),
    Refusal("0,5/15 * * * *", at: 2, "'*' or a range in front"),
    Refusal("*/61 * * * *", at: 2, "longer than the minute field is wide (60)", suggests: "every: …"),
    Refusal("0 */25 * * *", at: 4, "longer than the hour field is wide (24)"),
    Refusal("*/90 * * * *", at: 2, "would not be kept"),
    Refusal("*/99999999999999999999 * * * *", at: 2, "longer"),
    Refusal("*5 * * * *", at: 1, "'5' cannot stand here"),
    Refusal("** * * * *", at: 1, "'*' cannot stand here"),
    // Words.
    Refusal("0 0 1 FEV *", at: 6, "'FEV' is not a month", suggests: "'FEB'"),
    Refusal("0 0 1 February *", at: 6, "'February' is not a month", suggests: "'FEB'"),
    Refusal("0 0 * * thr", at: 8, "'thr' is not a day-of-week", suggests: "'THU'"),
    Refusal("0 0 * * monday", at: 8, "is not a day-of-week", suggests: "'MON'"),
    Refusal("0 0 * * JAN", at: 8, "'JAN' is not a day-of-week"),
    Refusal("0 0 1 MON *", at: 6, "'MON' is not a month"),
    Refusal("MON * * * *", at: 0, "'MON' is not a minute"),
    Refusal("0 0 * * 1MON", at: 8, "'1MON' is not a day-of-week"),
    Refusal("0 0 1 jän *", at: 6, "'jän' is not a month"),
    Refusal("0 0 \u{1b}[2J * *", at: 4, "'\u{fffd}' cannot stand here"),
    Refusal("٥ * * * *", at: 0, "cannot stand here"),
    // '?' belongs to the two day fields.
    Refusal("? * * * *", at: 0, "two day fields", suggests: "'*'"),
    Refusal("0 0 1 ? *", at: 6, "two day fields"),
    Refusal("0 0 ?/2 * *", at: 5, "'/' cannot stand here"),
    // Years.
    Refusal("* * * * * * 1969", at: 12, "year 1969 is not within 1970-2199"),
    Refusal("* * * * * * 2200", at: 12, "year 2200 is not within 1970-2199"),
    Refusal("* * * * * * 27", at: 12, "year 27 is not within"),
    Refusal("* * * * * * 2030-2020", at: 12, "2030-2020 runs backwards"),
    Refusal("* * * * * * 2030/2", at: 12, "'*' or a range in front", suggests: "2030-2199/…"),
    Refusal("* * * * * * */231", at: 14, "longer than the year field"),
    Refusal("* * * * * * ?", at: 12, "two day fields"),
    Refusal("* * * * * * H", at: 12, "'H' has no meaning in a year"),
    Refusal("* * * * * * twenty", at: 12, "'twenty' is not a year"),
    // L in the day of month: the last day, and nothing is counted back from it.
    Refusal("0 0 L-3 * *", at: 5, "days before the last one"),
    Refusal("0 0 L/2 * *", at: 5, "'/' cannot stand here"),
    Refusal("0 0 1-L * *", at: 6, "'L' is not a day-of-month"),
    Refusal("0 0 2L * *", at: 4, "'2L' is not a day-of-month"),
    Refusal("0 0 l * *", at: 4, "'l' is not a day-of-month", suggests: "'L'"),
    Refusal("L * * * *", at: 0, "'L' is not a minute"),
    Refusal("0 0 1 L *", at: 6, "'L' is not a month"),
    // W: a single day.
    Refusal("0 0 W * *", at: 4, "'W' wants a day in front", suggests: "15W"),
    Refusal("0 0 0W * *", at: 4, "day-of-month 0 is not within"),
    Refusal("0 0 32W * *", at: 4, "day-of-month 32 is not within"),
    Refusal("0 0 1,15W * *", at: 6, "single day and takes no list", suggests: "several triggers"),
    Refusal("0 0 15W,L * *", at: 4, "takes no list"),
    Refusal("0 0 LW,1 * *", at: 4, "takes no list"),
    Refusal("0 0 1-15W * *", at: 6, "takes no range"),
    Refusal("0 0 15W-20 * *", at: 4, "takes no range"),
    Refusal("0 0 15W/2 * *", at: 7, "'/' cannot stand here"),
    Refusal("0 0 lw * *", at: 4, "'lw' is not a day-of-month", suggests: "'LW'"),
    Refusal("0 0 15w * *", at: 4, "'15w' is not a day-of-month", suggests: "'15W'"),
    Refusal("0 0 WL * *", at: 4, "'WL' is not a day-of-month"),
    Refusal("0 15W * * *", at: 2, "'15W' is not a hour"),
    Refusal("0 0 * * 2W", at: 8, "'2W' is not a day-of-week"),
    // L and # in the day of week.
    Refusal("0 0 * * L", at: 8, "'L' wants a day of the week", suggests: "FRI#L"),
    Refusal("0 0 * * 8L", at: 8, "'8L' is not a day-of-week"),
    Refusal("0 0 * * fril", at: 8, "'fril' is not a day-of-week", suggests: "'FRI#L'"),
    Refusal("0 0 * * 5#0", at: 10, "from 1 to 5"),
    Refusal("0 0 * * 5#6", at: 10, "from 1 to 5"),
    Refusal("0 0 * * 5#", at: 10, "from 1 to 5"),
    Refusal("0 0 * * 5#l", at: 10, "from 1 to 5"),
    Refusal("0 0 * * 5#99999999999999999999", at: 10, "from 1 to 5"),
    Refusal("0 0 * * #2", at: 8, "'#' cannot stand here"),
    Refusal("0 0 * * *#2", at: 9, "'#' cannot stand here"),
    Refusal("0 0 * * 8#2", at: 8, "day-of-week 8 is not within"),
    Refusal("0 0 * * SAT-SUN#L", at: 15, "single day of the week", suggests: "SAT#…,SUN#…"),
    Refusal("0 0 * * 5#2-6", at: 11, "'-' cannot stand here"),
    Refusal("0 0 * * 5#2/2", at: 11, "'/' cannot stand here"),
    Refusal("0 0 5#2 * *", at: 5, "'#' cannot stand here"),
    // +
    Refusal("0 0 +1 * MON", at: 4, "'+' can only stand at the front of the day of week"),
    Refusal("+0 0 1 * MON", at: 0, "'+' can only stand"),
    Refusal("0 0 1 * MON+", at: 11, "'+' can only stand"),
    Refusal("0 0 1 * MON,+TUE", at: 12, "'+' can only stand"),
    Refusal("0 0 1 * ++MON", at: 9, "'+' can only stand"),
    Refusal("0 0 1 * +", at: 9, "want a day-of-week"),
    // H without a job to hash, and wherever else it means nothing.
    Refusal("H * * * *", at: 0, "here is no job"),
    Refusal("0 0 1,H * *", at: 6, "here is no job"),
    Refusal("0 H(0-7)/2 * * *", at: 2, "here is no job"),
    // Days that no month has.
    Refusal("0 0 30 2 *", at: 4, "never due: the calendar has no day on 30 February"),
    Refusal("0 0 31 FEB ?", at: 4, "never due"),
    Refusal("0 0 30,31 2 *", at: 4, "no day on the 30th and the 31st of the month in February"),
    Refusal("0 0 31 2,4 *", at: 4, "no day on the 31st of the month in February and April"),
    Refusal("0 0 31 4,6,9,11 *", at: 4, "never due"),
    Refusal("0 0 0 31 2,11 *", at: 6, "never due"),
    Refusal("0 0 31W 4 *", at: 4, "the weekday nearest to the 31st of the month in April"),
    Refusal("0 0 30 2 +MON", at: 4, "on the 30th of the month if it is a Monday in February"),
    Refusal("0 0 1-7 * +MON#2", at: 4, "never due"),
    Refusal("0 0 1W * +SAT", at: 4, "if it is a Saturday"),
    Refusal("0 0 L 4 +MON#4", at: 4, "never due"),
    Refusal("0 0 0 29 2 * 2027", at: 6, "the calendar has no day on 29 February 2027"),
    Refusal("0 0 0 29 2 * 2025-2027", at: 6, "29 February of 2025 to 2027"),
    Refusal("0 0 0 29 2 * 2100", at: 6, "29 February 2100"),
    Refusal("0 0 0 * 2 MON#5 2027", at: 10, "the fifth Monday of the month in February of 2027"),
    Refusal("0 0 0 29 2 +MON 2028", at: 6, "never due"),
    // Size.
    Refusal(String(repeating: "*/5,", count: 2_500), at: 0, "10000 bytes"),
    Refusal(String(repeating: " ", count: 10_000), at: 0, "10000 bytes"),
    Refusal("* * * * " + String(repeating: "1", count: 993), at: 0, "1001 bytes"),
    Refusal("* * * * " + String(repeating: "1", count: 900), at: 8, "day-of-week 11111111111111111111… is not"),
  ]

  @Test(arguments: refusals) func refuses(_ row: Refusal) throws {
    let error = try #require(throws: CronError.self) { try CronExpression(row.expression) }
    #expect(error.message.contains(row.says), "\(error)")
    #expect(error.offset == row.offset, "\(error)")
    if let suggests = row.suggests {
      #expect(error.suggestion?.contains(suggests) == true, "\(error)")
    }
  }

  static let hashRefusals: [Refusal] = [
    Refusal("h * * * *", at: 0, "'h' is not a minute", suggests: "'H'"),
    Refusal("H5 * * * *", at: 0, "'H5' is not a minute"),
    Refusal("H-5 * * * *", at: 1, "'-' cannot stand here"),
    Refusal("1-H * * * *", at: 2, "'H' cannot end a range"),
    Refusal("H,H * * * *", at: 2, "at most one 'H'", suggests: "H/…"),
    Refusal("H( * * * *", at: 2, "want a minute after '('"),
    Refusal("H() * * * *", at: 2, "')' cannot stand here"),
    Refusal("H(5) * * * *", at: 2, "wants a range"),
    Refusal("H(0-29 * * * *", at: 6, "want ')'"),
    Refusal("H(29-0) * * * *", at: 2, "29-0 runs backwards"),
    Refusal("H(0-60) * * * *", at: 4, "minute 60"),
    Refusal("H(0-29)/0 * * * *", at: 8, "a step of 0"),
    Refusal("H/ * * * *", at: 2, "want a number after '/'"),
    Refusal("H/1 * * * *", at: 2, "nothing to choose", suggests: "'*'"),
    Refusal("H/61 * * * *", at: 2, "longer than the minute field"),
    Refusal("H(0-4)/10 * * * *", at: 7, "longer than the range of 'H'"),
    Refusal("0 0 H(1-31) * *", at: 6, "days 1-28, which every month has"),
    Refusal("0 0 H/29 * *", at: 6, "longer than the range of 'H'"),
    Refusal("0 0 HW * *", at: 4, "'HW' is not a day-of-month"),
    Refusal("0 0 * * H#2", at: 9, "'#' cannot stand here"),
    // Right for some jobs' names and wrong for others is wrong.
    Refusal("0 0 31 H *", at: 4, "never due for some names of jobs"),
    Refusal("0 0 30 H(1-3) *", at: 4, "no day on 30 February"),
    Refusal("0 0 0 29 2 +H 2028", at: 6, "never due for some names of jobs"),
  ]

  @Test(arguments: hashRefusals) func refusesHash(_ row: Refusal) throws {
    for name in ["orders/backup", "any", ""] {
      let error = try #require(throws: CronError.self) { try CronExpression(row.expression, hashing: name) }
      #expect(error.message.contains(row.says), "\(error)")
      #expect(error.offset == row.offset, "\(error)")
      if let suggests = row.suggests { #expect(error.suggestion?.contains(suggests) == true, "\(error)") }
    }
  }

  /// Two ways to write one schedule.
  struct Equal: Sendable {
    var one: String
    var other: String
    init(_ one: String, _ other: String) {
      self.one = one
      self.other = other
    }
  }

  @Test(arguments: [
    Equal("* * * * *", "0 * * * * *"),
    Equal("  0\t0   * * *  ", "0 0 * * *"),
    Equal("*/15 * * * *", "0,15,30,45 * * * *"),
    Equal("0-59/15 * * * *", "*/15 * * * *"),
    Equal("1-5,3-8 * * * *", "1-8 * * * *"),
    Equal("5,5,5 * * * *", "5 * * * *"),
    Equal("007 * * * *", "7 * * * *"),
    Equal("0 0 * JAN-dec MON-FRI", "0 0 * 1-12 1-5"),
    Equal("0 0 * * SUN", "0 0 * * 7"),
    Equal("0 0 * * 0", "0 0 * * 7"),
    Equal("0 0 * * SAT-SUN", "0 0 * * 6,0"),
    Equal("0 0 ? * ?", "0 0 * * *"),
    Equal("0 0 ? * 5", "0 0 * * 5"),
    Equal("@yearly", "0 0 1 1 *"), Equal("@annually", "0 0 1 1 *"), Equal("@monthly", "0 0 1 * *"),
    Equal("@weekly", "0 0 * * 0"), Equal("@daily", "0 0 * * *"), Equal("@midnight", "0 0 * * *"),
    Equal("@hourly", "0 * * * *"), Equal(" @hourly ", "0 * * * *"),
    Equal("0 0 * * 5#L", "0 0 * * 5L"), Equal("0 0 * * fri#L", "0 0 * * 5L"), Equal("0 0 * * friL", "0 0 * * 5L"),
    Equal("0 0 * * 7#2", "0 0 * * SUN#2"), Equal("0 0 * * 0#2", "0 0 * * SUN#2"),
    Equal("0 0 * * MON#1,MON#2,MON#3,MON#4,MON#5", "0 0 * * MON"),
    Equal("0 0 * * +MON", "0 0 * * MON"), Equal("0 0 1 * +?", "0 0 1 * *"), Equal("0 0 1-31 * +MON", "0 0 * * MON"),
    Equal("0 0 L 1,3,5,7,8,10,12 *", "0 0 31 * *"), Equal("0 0 0 1 1 * *", "0 0 1 1 *"),
    Equal("0 0 31 1-12 *", "0 0 31 * *"), Equal("0 0 L,L * *", "0 0 L * *"),
  ])
  func meansTheSame(_ row: Equal) throws {
    let one = try CronExpression(row.one)
    let other = try CronExpression(row.other)
    var time = CivilTime(year: 2026, month: 1, day: 1)
    for _ in 0..<500 {
      let next = try #require(one.next(after: time))
      #expect(other.next(after: time) == next)
      time = next
    }
  }

  @Test func everyValueOfEveryFieldFitsTheLimit() throws {
    func list(_ range: ClosedRange<Int>) -> String { range.map { padded($0, 2) }.joined(separator: ",") }
    // All but the year.
    let text = [0...59, 0...59, 0...23, 1...31, 1...12, 0...7].map(list).joined(separator: " ")
    #expect(text.utf8.count <= CronExpression.longestText)
    #expect(try CronExpression(text).isEveryMinuteOrHour)
  }

  @Test func secondsAndRealTimeAreKnown() throws {
    #expect(try CronExpression("0 0 * * *").hasSeconds == false)
    #expect(try CronExpression("0 0 0 * * *").hasSeconds)
    for text in ["* * * * *", "*/5 * * * *", "30 * * * *", "30 0-23 * * 1-5", "0 */1 * * *", "@hourly", "* * 1 * *"] {
      #expect(try CronExpression(text).isEveryMinuteOrHour, "\(text)")
    }
    for text in ["0 0 * * *", "* 2 * * *", "0 */2 * * *", "0 0-22 * * *", "@daily"] {
      #expect(try !CronExpression(text).isEveryMinuteOrHour, "\(text)")
    }
  }

  @Test func theTextIsKept() throws {
    let cron = try CronExpression("@daily")
    #expect(cron.text == "@daily")
    #expect("\(cron)" == "@daily")
  }
}
