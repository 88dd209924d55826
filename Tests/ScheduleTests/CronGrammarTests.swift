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
    Refusal("* * * * * * *", at: 12, "years is not supported yet"),
    Refusal("* * * * * * * *", at: 12, "8 fields given"),
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
    // Letters of the Open Cron Pattern Specification and Jenkins that are yet to come.
    Refusal("0 0 L * *", at: 4, "'L' is not supported yet"),
    Refusal("0 0 L-3 * *", at: 4, "'L' is not supported yet"),
    Refusal("0 0 LW * *", at: 4, "'L' is not supported yet"),
    Refusal("0 0 15W * *", at: 6, "'W' is not supported yet"),
    Refusal("0 0 1,15W * *", at: 8, "'W' is not supported yet"),
    Refusal("0 0 * * L", at: 8, "'L' is not supported yet"),
    Refusal("0 0 * * 5L", at: 9, "'L' is not supported yet"),
    Refusal("0 0 * * FRIL", at: 11, "'L' is not supported yet"),
    Refusal("0 0 * * 5#2", at: 9, "'#' is not supported yet"),
    Refusal("0 0 * * FRI#L", at: 11, "'#' is not supported yet"),
    Refusal("0 0 1 * +MON", at: 8, "'+' is not supported yet"),
    Refusal("H * * * *", at: 0, "'H' is not supported yet"),
    Refusal("H/15 * * * *", at: 0, "'H' is not supported yet"),
    Refusal("0 H(0-7) * * *", at: 2, "'H' is not supported yet"),
    Refusal("L * * * *", at: 0, "'L' is not a minute"),
    Refusal("0 0 5#2 * *", at: 5, "'#' cannot stand here"),
    Refusal("0 0 * * 1+", at: 9, "'+' cannot stand here"),
    // Days that no month has.
    Refusal("0 0 30 2 *", at: 4, "never due"),
    Refusal("0 0 31 FEB ?", at: 4, "never due"),
    Refusal("0 0 30,31 2 *", at: 4, "never due"),
    Refusal("0 0 31 4,6,9,11 *", at: 4, "never due"),
    Refusal("0 0 0 31 2,11 *", at: 6, "never due"),
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
