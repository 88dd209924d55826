import Model

/// Splits an expression into its fields and puts their values together.
struct CronParser {
  private let text: String
  private var words: [Word] = []

  /// A run of characters between blanks.
  struct Word {
    var offset: Int
    var scalars: ArraySlice<Unicode.Scalar>
    var text: String { CronParser.string(scalars) }
  }

  /// Where to point when no day can match.
  private(set) var dayOfMonthOffset = 0

  init(_ text: String) throws(CronError) {
    guard text.utf8.count <= CronExpression.longestText else {
      throw CronError(
        "the expression has \(text.utf8.count) bytes; at most \(CronExpression.longestText) are read", at: 0)
    }
    self.text = text
    let scalars = Array(text.unicodeScalars)
    var index = 0
    while index < scalars.count {
      let start = index
      while index < scalars.count, scalars[index] != " ", scalars[index] != "\t" { index += 1 }
      if index > start { words.append(Word(offset: start, scalars: scalars[start..<index])) }
      index += 1
    }
  }

  mutating func expression() throws(CronError) -> CronExpression {
    guard let first = words.first else { throw CronError("the expression is empty", at: 0) }
    if first.scalars.first == "@" { return try nickname(first) }
    try refuseZonePrefix(first)
    let shape = "5 fields (minute, hour, day of month, month, day of week), or 6 with the second first"
    guard words.count != 7 else {
      throw CronError("a seventh field for years is not supported yet", at: words[6].offset)
    }
    guard words.count >= 5 else {
      throw CronError(
        "\(words.count) field\(words.count == 1 ? "" : "s") given; want \(shape)", at: text.unicodeScalars.count)
    }
    guard words.count <= 6 else {
      throw CronError("\(words.count) fields given; want \(shape)", at: words[6].offset)
    }
    let at = words.count - 5
    dayOfMonthOffset = words[at + 2].offset
    let seconds = at == 1 ? try CronFieldParser.values(of: words[0], .second) : .init(set: FieldSet(0...0))
    let minutes = try CronFieldParser.values(of: words[at], .minute)
    let hours = try CronFieldParser.values(of: words[at + 1], .hour)
    let daysOfMonth = try CronFieldParser.values(of: words[at + 2], .dayOfMonth)
    let months = try CronFieldParser.values(of: words[at + 3], .month)
    var daysOfWeek = try CronFieldParser.values(of: words[at + 4], .dayOfWeek)
    // 7 is Sunday too.
    daysOfWeek.set = FieldSet(bits: (daysOfWeek.set.bits | daysOfWeek.set.bits >> 7) & 0x7f)
    return CronExpression(
      text: text, hasSeconds: at == 1, seconds: seconds.set, minutes: minutes.set, hours: hours.set,
      days: DayRule(
        daysOfMonth: daysOfMonth.set, daysOfWeek: daysOfWeek.set, restrictsDayOfMonth: !daysOfMonth.isWildcard,
        restrictsDayOfWeek: !daysOfWeek.isWildcard),
      months: months.set)
  }

  /// OCPS 1.1: each stands for five fields, letter case counts.
  private static let nicknames: KeyValuePairs<String, String> = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  private func nickname(_ word: Word) throws(CronError) -> CronExpression {
    let name = word.text
    if name == "@reboot" { throw CronError("'@reboot' is not supported: it names no time", at: word.offset) }
    if name == "@every" {
      throw CronError("'@every' is not a cron nickname", at: word.offset, suggestion: "write the trigger 'every: …'")
    }
    guard let fields = Self.nicknames.first(where: { $0.key == name })?.value else {
      let near = Suggestion.nearest(to: name, among: Self.nicknames.map(\.key))
      throw CronError(
        "unknown nickname '\(Self.quotable(word.scalars))'", at: word.offset,
        suggestion: near.map { "did you mean '\($0)'?" })
    }
    guard words.count == 1 else {
      throw CronError("nothing may follow the nickname '\(name)'", at: words[1].offset)
    }
    var parser = try CronParser(fields)
    let meant = try parser.expression()
    return CronExpression(
      text: text, hasSeconds: false, seconds: meant.seconds, minutes: meant.minutes, hours: meant.hours,
      days: meant.days, months: meant.months)
  }

  /// Other schedulers take the zone in front of the expression.
  private func refuseZonePrefix(_ word: Word) throws(CronError) {
    guard word.text.hasPrefix("TZ=") || word.text.hasPrefix("CRON_TZ=") else { return }
    throw CronError(
      "the time zone does not stand in the expression", at: word.offset,
      suggestion: "write it as 'timezone' beside 'cron'")
  }

  static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }

  /// At most 20 characters, those that could disturb a terminal or a log replaced.
  static func quotable(_ scalars: some Collection<Unicode.Scalar>) -> String {
    let shown = scalars.prefix(20).map { scalar -> Unicode.Scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: "\u{fffd}"
      default: scalar
      }
    }
    return string(shown) + (scalars.count > 20 ? "…" : "")
  }
}
