import Model

// What a field's mistakes are called.

extension CronFieldParser {
  func backwards(_ first: Int, _ last: Int, at offset: Int) -> CronError {
    let tail = first == field.range.upperBound ? "\(first)" : "\(first)-\(field.range.upperBound)"
    let head = last == field.range.lowerBound ? "\(last)" : "\(field.range.lowerBound)-\(last)"
    return CronError(
      "the range \(first)-\(last) runs backwards", at: offset, suggestion: "did you mean '\(tail),\(head)'?")
  }

  func missing(startsRange: Bool) -> CronError {
    guard let scalar = current else {
      guard index > scalars.startIndex else { return CronError("want a \(field.name)", at: index) }
      return CronError("want a \(field.name) after '\(scalars[index - 1])'", at: index)
    }
    if scalar == ",", startsRange { return CronError("the list has an empty element", at: index) }
    return unexpected()
  }

  func unexpected() -> CronError {
    guard let scalar = current else { return CronError("want a \(field.name)", at: index) }
    if scalar == "+" { return CronError("'+' can only stand at the front of the day of week", at: index) }
    return CronError("'\(CronParser.quotable([scalar]))' cannot stand here in a \(field.name)", at: index)
  }

  /// Of letters and digits that are neither a number nor a name of the field.
  func notAValue(_ run: ArraySlice<Unicode.Scalar>) -> CronError {
    if field.isDayOfMonth, run.last == "W", run.dropLast().allSatisfy(\.isASCIIDigit) {
      return weekdayInRange(at: run.startIndex)
    }
    let word = CronParser.string(run)
    if run.elementsEqual(["H"]) { return CronError("'H' cannot end a range", at: run.startIndex) }
    return CronError(
      "'\(CronParser.quotable(run))' is not a \(field.name)", at: run.startIndex,
      suggestion: word.utf8.count <= 20 ? field.suggestion(for: word) : nil)
  }

  func stepTooLong(_ digits: ArraySlice<Unicode.Scalar>, _ width: Int, at offset: Int) -> CronError {
    let what = width == field.width ? "the \(field.name) field is" : "the range of 'H' is"
    let step = "a step of \(CronParser.quotable(digits))"
    return CronError(
      "\(step) is longer than \(what) wide (\(width)), so that it would not be kept", at: offset,
      suggestion: field.name == "year" ? nil : "for an even interval write the trigger 'every: …'")
  }

  /// OCPS 1.3 section 4.3.
  func weekdayInList(at offset: Int) -> CronError {
    CronError("'W' is for a single day and takes no list", at: offset, suggestion: "make it several triggers")
  }

  func weekdayInRange(at offset: Int) -> CronError {
    CronError("'W' is for a single day and takes no range", at: offset)
  }

  func daysBeforeLast() -> CronError {
    CronError("days before the last one are not part of the Open Cron Pattern Specification", at: index)
  }

  /// `MON-FRI#1` reads as the first working day of the month and means five days elsewhere.
  func ordinalOfRange(_ range: ClosedRange<Int>, at offset: Int) -> CronError {
    guard field.isDayOfWeek else { return unexpected() }
    let days = range.map { "\(field.words[$0 % 7])#…" }.joined(separator: ",")
    return CronError("'#' is for a single day of the week", at: offset, suggestion: "did you mean '\(days)'?")
  }

  func secondHash(at offset: Int) -> CronError {
    CronError(
      "a field has at most one 'H', as all would be the same number", at: offset,
      suggestion: "for several times write 'H/…'")
  }
}
