import Model

/// One position of a cron expression: its name in messages, its numbers, and the words that stand for some of them.
struct CronField: Sendable {
  var name: String
  var range: ClosedRange<Int>
  /// The words in upper case; the first one stands for `range.lowerBound`.
  var words: [String] = []
  /// `?` means "no restriction" in the two day fields only (OCPS 1.4 section 4.2).
  var allowsQuestionMark = false
  /// What `H` stands for without a range of its own; nil where it has no meaning.
  var hashRange: ClosedRange<Int>?
  /// What a range of `H` may reach up to; nil is the field's own end.
  var lastHashed: Int?

  static let second = CronField(name: "second", range: 0...59, hashRange: 0...59)
  static let minute = CronField(name: "minute", range: 0...59, hashRange: 0...59)
  static let hour = CronField(name: "hour", range: 0...23, hashRange: 0...23)
  /// `H` keeps to the days that every month has.
  static let dayOfMonth = CronField(
    name: "day-of-month", range: 1...31, allowsQuestionMark: true, hashRange: 1...28, lastHashed: 28)
  static let month = CronField(
    name: "month", range: 1...12,
    words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], hashRange: 1...12)
  /// 0 and 7 are both Sunday.
  static let dayOfWeek = CronField(
    name: "day-of-week", range: 0...7, words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    allowsQuestionMark: true, hashRange: 0...6)
  /// OCPS 1.2 section 4.2, the portable range.
  static let year = CronField(name: "year", range: YearSet.range)

  var isDayOfMonth: Bool { name == Self.dayOfMonth.name }
  var isDayOfWeek: Bool { name == Self.dayOfWeek.name }

  /// How many different values there are; no step may be longer.
  var width: Int { range.count }

  /// The number that a word stands for, in any case of letters.
  func number(of word: String) -> Int? {
    words.firstIndex(of: word.uppercased()).map { range.lowerBound + $0 }
  }

  /// What to say about a word that stands for nothing.
  func suggestion(for word: String) -> String? {
    // Modifiers are told apart by case (OCPS 1.3 section 4), as 'friL' would be hard to read otherwise.
    if let modifier = modifier(meantBy: word) { return "did you mean '\(modifier)'?" }
    // Three letters leave room for one mistake, which is also what full names (`monday`) begin with.
    if let full = words.first(where: { word.count > 3 && word.uppercased().hasPrefix($0) }) {
      return "did you mean '\(full)'?"
    }
    return Suggestion.nearest(to: word, among: words).map { "did you mean '\($0)'?" }
  }

  /// `h`, `l`, `lw`, `15w` and `fril` in capitals, where these mean something.
  private func modifier(meantBy word: String) -> String? {
    let capitals = word.uppercased()
    guard capitals != word else { return nil }
    if capitals == "H" { return hashRange == nil ? nil : capitals }
    if isDayOfMonth, capitals == "L" || capitals == "LW" { return capitals }
    if isDayOfMonth, capitals.hasSuffix("W"), Int(capitals.dropLast()).map(range.contains) == true { return capitals }
    if isDayOfWeek, capitals.hasSuffix("L"), number(of: String(capitals.dropLast())) != nil {
      return capitals.dropLast() + "#L"
    }
    return nil
  }
}
