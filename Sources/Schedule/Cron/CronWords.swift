import Model

// A cron expression in English. The words are made from the sets of numbers and not from the text, so that what they
// say is what the search finds; and expressions that mean different things have different words.

extension CronExpression {
  /// What the expression means, such as `at 02:30 on weekdays` or `every 5 minutes from 09:00 to 17:59 on Monday`.
  ///
  /// Times are of a 24-hour clock. `on A or on B` is said where either day field may match, `on A if it is B` where
  /// both must. An `H` is shown as the number that it stands for.
  public var words: String {
    let days = dayWords
    if !days.isEmpty, !isEveryDay || !areTimesListed { return "\(timeWords) \(days)" }
    guard areTimesListed else { return timeWords }
    return "\(timeWords) every day" + (days.isEmpty ? "" : " \(days)")
  }

  /// As many times of a day are named one by one; more are described.
  private static let listedTimes = 6

  private var areTimesListed: Bool { hours.count * minutes.count * seconds.count <= Self.listedTimes }

  // MARK: Times of the day

  private var timeWords: String {
    if areTimesListed {
      let times = hours.listed.flatMap { hour in
        minutes.listed.flatMap { minute in seconds.listed.map { Self.clock(hour, minute, $0) } }
      }
      return "at \(WordList.and(times))"
    }
    if seconds.isZero, minutes.count == 1, let minute = minutes.first { return hourWords(at: minute) }
    return seconds.isZero ? minuteWords : secondWords
  }

  /// One minute of more hours than are listed.
  private func hourWords(at minute: Int) -> String {
    let named = "at minute \(minute) of "
    guard !isEveryMinuteOrHour else { return minute == 0 ? "every hour" : named + "every hour" }
    let numbers = hours.listed
    guard let step = Progression.step(numbers) else { return named + "the hours \(WordList.numbers(numbers, padded))" }
    let span = "from \(Self.clock(numbers[0], minute)) to \(Self.clock(numbers[numbers.count - 1], minute))"
    return step == 1 ? "every hour \(span)" : "every \(step) hours \(span)"
  }

  private func padded(_ number: Int) -> String { Model.padded(number, 2) }

  private var minuteWords: String {
    if let regular = Self.regular(minutes, "minute") { return regular + hourSpans }
    return "at \(Self.positions(minutes, "minute")) of every hour" + hourSpans
  }

  private var secondWords: String {
    let regular = Self.regular(seconds, "second")
    let words = regular ?? "at \(Self.positions(seconds, "second"))"
    if minutes.count == 60 { return words + (regular == nil ? " of every minute" : "") + hourSpans }
    return words + " of \(Self.positions(minutes, "minute")) of every hour" + hourSpans
  }

  /// `every minute`, `every 5 minutes`: what keeps its interval from hour to hour.
  private static func regular(_ set: FieldSet, _ unit: String) -> String? {
    let numbers = set.listed
    guard numbers.first == 0, numbers.count > 1, let step = Progression.step(numbers), 60 % step == 0,
      numbers.count == 60 / step
    else { return nil }
    return step == 1 ? "every \(unit)" : "every \(step) \(unit)s"
  }

  /// `minute 5`, `minutes 5, 20 to 25 and 40`, `every 7th minute from 0 to 56`.
  private static func positions(_ set: FieldSet, _ unit: String) -> String {
    let numbers = set.listed
    if numbers.count == 1 { return "\(unit) \(numbers[0])" }
    if let steps = Progression.words(numbers, unit, { "\($0)" }) { return steps }
    return "\(unit)s \(WordList.numbers(numbers) { "\($0)" })"
  }

  /// ` from 09:00 to 11:59 and from 14:00 to 17:59`; empty for all hours.
  private var hourSpans: String {
    guard !isEveryMinuteOrHour else { return "" }
    let numbers = hours.listed
    if numbers.count >= Progression.shortest, let step = Progression.step(numbers), step > 1 {
      let span = "from \(Self.clock(numbers[0], 0)) to \(Self.clock(numbers[numbers.count - 1], 59))"
      return " in every \(WordList.ordinal(step)) hour \(span)"
    }
    let spans = WordList.runs(numbers).map {
      "from \(Self.clock($0.lowerBound, 0)) to \(Self.clock($0.upperBound, 59))"
    }
    return " \(WordList.and(spans))"
  }

  private static func clock(_ hour: Int, _ minute: Int, _ second: Int = 0) -> String {
    let time = "\(Model.padded(hour, 2)):\(Model.padded(minute, 2))"
    return second == 0 ? time : time + ":\(Model.padded(second, 2))"
  }
}

extension FieldSet {
  /// In ascending order.
  var listed: [Int] { (0..<64).filter(contains) }
  var count: Int { bits.nonzeroBitCount }
  /// The number 0 alone.
  fileprivate var isZero: Bool { bits == 1 }
}
