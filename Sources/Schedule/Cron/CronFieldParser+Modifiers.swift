import Model

// `L`, `W` and `#` (OCPS 1.3 section 4, in capitals only), and Jenkins' `H`.

extension CronFieldParser {
  /// An element that is no number, name or range; nil when none stands here.
  mutating func modified() throws(CronError) -> CronElement? {
    let run = run()
    if run.elementsEqual(["H"]) {
      index = run.endIndex
      return try hash(at: run.startIndex)
    }
    if field.isDayOfMonth { return try dayOfMonth(run) }
    if field.isDayOfWeek { return try dayOfWeek(run) }
    return nil
  }

  /// `L`, `LW`, `15W`.
  private mutating func dayOfMonth(_ run: ArraySlice<Unicode.Scalar>) throws(CronError) -> CronElement? {
    if run.elementsEqual(["L"]) {
      index = run.endIndex
      if current == "-" { throw daysBeforeLast() }
      return .lastDay
    }
    if run.elementsEqual(["L", "W"]) {
      index = run.endIndex
      return .nearestWeekday(nil)
    }
    let digits = run.dropLast()
    guard run.last == "W", digits.allSatisfy(\.isASCIIDigit) else { return nil }
    guard !digits.isEmpty else {
      throw CronError("'W' wants a day in front of it", at: run.startIndex, suggestion: "such as '15W'")
    }
    let day = Self.number(digits)
    guard field.range.contains(day) else {
      throw CronError("day-of-month \(CronParser.quotable(digits)) is not within 1-31", at: run.startIndex)
    }
    index = run.endIndex
    if current == "-" { throw weekdayInRange(at: run.startIndex) }
    return .nearestWeekday(day)
  }

  /// `FRI#2`, `FRI#L`, `5L`.
  private mutating func dayOfWeek(_ run: ArraySlice<Unicode.Scalar>) throws(CronError) -> CronElement? {
    if run.elementsEqual(["L"]) {
      throw CronError("'L' wants a day of the week in front of it", at: run.startIndex, suggestion: "such as 'FRI#L'")
    }
    if run.last == "L", let day = weekday(run.dropLast()) {
      index = run.endIndex
      return .ordinal(weekday: day, nil)
    }
    guard run.endIndex < scalars.endIndex, scalars[run.endIndex] == "#", let day = weekday(run) else { return nil }
    index = run.endIndex + 1
    let which = self.run()
    let number = which.elementsEqual(["L"]) ? nil : Self.number(which)
    guard number.map((1...5).contains) ?? true else {
      throw CronError("want a number from 1 to 5, or 'L' for the last, after '#'", at: which.startIndex)
    }
    index = which.endIndex
    return .ordinal(weekday: day, number)
  }

  /// 0...6; nil for what is no day of the week.
  private func weekday(_ run: ArraySlice<Unicode.Scalar>) -> Int? {
    if let day = field.number(of: CronParser.string(run)) { return day }
    guard !run.isEmpty, run.allSatisfy(\.isASCIIDigit) else { return nil }
    let day = Self.number(run)
    return field.range.contains(day) ? day % 7 : nil
  }

  /// What follows an `H`: `(0-29)`, `/10`, both or nothing.
  private mutating func hash(at start: Int) throws(CronError) -> CronElement {
    guard var range = field.hashRange else {
      throw CronError("'H' has no meaning in a \(field.name)", at: start)
    }
    if take("(") {
      let at = index
      let first = try value(startsRange: true)
      guard take("-") else { throw CronError("'H(' wants a range such as '\(range.lowerBound)-…'", at: at) }
      range = try self.range(from: first, at: at)
      if let last = field.lastHashed, range.upperBound > last {
        throw CronError("'H' keeps to the days 1-\(last), which every month has", at: at)
      }
      guard take(")") else { throw CronError("want ')' after the range of 'H'", at: index) }
    }
    let step = try step(width: range.count)
    if step == 1 {
      throw CronError("with a step of 1 there is nothing to choose", at: index - 1, suggestion: "write '*'")
    }
    return .hash(range, step: step)
  }
}
