import Model

/// Splits an expression into its fields.
struct CronParser {
  private let text: String
  private var words: [Word] = []

  /// A run of characters between blanks.
  struct Word {
    var offset: Int
    var scalars: ArraySlice<Unicode.Scalar>
    var text: String { CronParser.string(scalars) }
  }

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

  func draft() throws(CronError) -> CronDraft {
    guard let first = words.first else { throw CronError("the expression is empty", at: 0) }
    if first.scalars.first == "@" { return try nickname(first) }
    try refuseZonePrefix(first)
    try refuseWrongCount()
    let at = words.count == 5 ? 0 : 1
    var weekdays = words[at + 4]
    let needsBothDays = weekdays.scalars.first == "+"
    if needsBothDays { weekdays = Word(offset: weekdays.offset + 1, scalars: weekdays.scalars.dropFirst()) }
    let second =
      at == 1 ? try CronFieldParser.elements(of: words[0], .second) : [.span(0...0, step: 1, isWildcard: false)]
    let minute = try CronFieldParser.elements(of: words[at], .minute)
    let hour = try CronFieldParser.elements(of: words[at + 1], .hour)
    let dayOfMonth = try CronFieldParser.elements(of: words[at + 2], .dayOfMonth)
    let month = try CronFieldParser.elements(of: words[at + 3], .month)
    try refuseYearWithoutSecond(weekdays)
    let dayOfWeek = try CronFieldParser.elements(of: weekdays, .dayOfWeek)
    let year = words.count == 7 ? try CronFieldParser.elements(of: words[6], .year) : nil
    let pointsAtWeek = dayOfMonth.contains(where: \.isWildcard)
    return CronDraft(
      text: text, hasSeconds: at == 1, second: second, minute: minute, hour: hour, dayOfMonth: dayOfMonth,
      month: month, dayOfWeek: dayOfWeek, year: year, needsBothDays: needsBothDays,
      dayOffset: words[at + (pointsAtWeek ? 4 : 2)].offset, hashOffset: hashOffset)
  }

  /// No name holds an `H` of its own: names are longer than one letter, and 'MAR(' or 'THU(' is refused.
  private var hashOffset: Int? {
    for word in words {
      for place in word.scalars.indices where word.scalars[place] == "H" {
        let before = place > word.scalars.startIndex && word.scalars[place - 1].properties.isAlphabetic
        let after = place + 1 < word.scalars.endIndex && word.scalars[place + 1].properties.isAlphabetic
        if !before, !after { return place }
      }
    }
    return nil
  }

  private func refuseWrongCount() throws(CronError) {
    let shape = "5 fields (minute, hour, day of month, month, day of week), 6 (second first) or 7 (year last)"
    guard words.count >= 5 else {
      throw CronError(
        "\(words.count) field\(words.count == 1 ? "" : "s") given; want \(shape)", at: text.unicodeScalars.count)
    }
    guard words.count <= 7 else {
      throw CronError("\(words.count) fields given; want \(shape)", at: words[7].offset)
    }
  }

  /// OCPS 1.2 section 4.2: a sixth field is the second; other schedulers take the year there.
  private func refuseYearWithoutSecond(_ last: Word) throws(CronError) {
    guard words.count == 6, last.scalars.count >= 4, last.scalars.prefix(4).allSatisfy(\.isASCIIDigit),
      YearSet.range.contains(CronFieldParser.number(last.scalars.prefix(4)))
    else { return }
    throw CronError(
      "a year needs all 7 fields, with the second first", at: last.offset,
      suggestion: "put the second in front: '0 \(Self.quotable(words[0].scalars)) …'")
  }

  /// OCPS 1.1: each stands for five fields, letter case counts.
  private static let nicknames: KeyValuePairs<String, String> = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  private func nickname(_ word: Word) throws(CronError) -> CronDraft {
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
    var draft = try CronParser(fields).draft()
    draft.text = text
    return draft
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
