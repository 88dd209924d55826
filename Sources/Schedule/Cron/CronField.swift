import Model

/// One position of a cron expression: its name in messages, its numbers, and the words that stand for some of them.
struct CronField: Sendable {
  var name: String
  var range: ClosedRange<Int>
  /// The words in upper case; the first one stands for `range.lowerBound`.
  var words: [String] = []
  /// `?` means "no restriction" in the two day fields only (OCPS 1.4 section 4.2).
  var allowsQuestionMark = false

  static let second = CronField(name: "second", range: 0...59)
  static let minute = CronField(name: "minute", range: 0...59)
  static let hour = CronField(name: "hour", range: 0...23)
  static let dayOfMonth = CronField(name: "day-of-month", range: 1...31, allowsQuestionMark: true)
  static let month = CronField(
    name: "month", range: 1...12,
    words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
  /// 0 and 7 are both Sunday.
  static let dayOfWeek = CronField(
    name: "day-of-week", range: 0...7, words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    allowsQuestionMark: true)

  /// How many different values there are; no step may be longer.
  var width: Int { range.count }

  /// The number that a word stands for, in any case of letters.
  func number(of word: String) -> Int? {
    words.firstIndex(of: word.uppercased()).map { range.lowerBound + $0 }
  }

  /// What to say about a word that stands for nothing.
  func suggestion(for word: String) -> String? {
    // Three letters leave room for one mistake, which is also what full names (`monday`) begin with.
    if let full = words.first(where: { word.count > 3 && word.uppercased().hasPrefix($0) }) {
      return "did you mean '\(full)'?"
    }
    return Suggestion.nearest(to: word, among: words).map { "did you mean '\($0)'?" }
  }
}
