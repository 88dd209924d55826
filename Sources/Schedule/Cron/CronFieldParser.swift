import Model

/// Reads one field: a list of `*`, values and ranges, the last two kinds and `*` with an optional step.
struct CronFieldParser {
  /// What a field says.
  struct Values {
    var set: FieldSet
    /// No restriction: the field is, or lists, a `*` without a step (or with step 1), or a `?`.
    var isWildcard = false
  }

  private let field: CronField
  private let scalars: ArraySlice<Unicode.Scalar>
  /// Also the offset from the start of the expression, because slices keep their indices.
  private var index: Int

  private init(_ word: CronParser.Word, _ field: CronField) {
    self.field = field
    self.scalars = word.scalars
    self.index = word.offset
  }

  static func values(of word: CronParser.Word, _ field: CronField) throws(CronError) -> Values {
    var parser = CronFieldParser(word, field)
    return try parser.list()
  }

  private var current: Unicode.Scalar? { index < scalars.endIndex ? scalars[index] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard current == scalar else { return false }
    index += 1
    return true
  }

  private mutating func list() throws(CronError) -> Values {
    var values = Values(set: FieldSet())
    repeat {
      let item = try item()
      values.set.formUnion(item.set)
      values.isWildcard = values.isWildcard || item.isWildcard
    } while take(",")
    if current != nil { throw unexpected() }
    return values
  }

  private mutating func item() throws(CronError) -> Values {
    let start = index
    if take("*") {
      let step = try step(from: start, width: field.width)
      return Values(set: FieldSet(field.range, by: step), isWildcard: step == 1)
    }
    if current == "?" {
      guard field.allowsQuestionMark else {
        throw CronError("'?' has a meaning in the two day fields only", at: index, suggestion: "write '*'")
      }
      index += 1
      return Values(set: FieldSet(field.range), isWildcard: true)
    }
    let first = try value(startsRange: true)
    guard take("-") else {
      try refuseStepOnValue(first, from: start)
      return Values(set: FieldSet(first...first))
    }
    var last = try value(startsRange: false)
    // The Sunday that ends a range is the one after its start.
    if field.range == CronField.dayOfWeek.range, last == 0, first > 0, wordJustRead { last = 7 }
    guard first <= last else { throw backwards(first, last, at: start) }
    let step = try step(from: start, width: field.width)
    return Values(set: FieldSet(first...last, by: step))
  }

  /// The last value was a name rather than a number.
  private var wordJustRead: Bool { index > scalars.startIndex && scalars[index - 1].properties.isAlphabetic }

  /// A number or a name within the field's range.
  private mutating func value(startsRange: Bool) throws(CronError) -> Int {
    let start = index
    while let scalar = current, scalar.properties.isAlphabetic || scalar.isASCIIDigit { index += 1 }
    let run = scalars[start..<index]
    guard !run.isEmpty else { throw missing(startsRange: startsRange) }
    if run.allSatisfy(\.isASCIIDigit) {
      // Four digits are enough for any field, and keep the number small.
      let number = run.count <= 4 ? Int(CronParser.string(run)) ?? .max : .max
      guard field.range.contains(number) else {
        throw CronError("\(field.name) \(CronParser.quotable(run)) is not within \(rangeText)", at: start)
      }
      try refuseOrdinal()
      return number
    }
    let word = CronParser.string(run)
    if let number = field.number(of: word) {
      try refuseOrdinal()
      return number
    }
    if let special = specialLetter(in: run) { throw notYet(special.scalar, at: special.offset) }
    throw CronError(
      "'\(CronParser.quotable(run))' is not a \(field.name)", at: start, suggestion: field.suggestion(for: word))
  }

  /// The step after `*` or a range; 1 when there is none.
  private mutating func step(from start: Int, width: Int) throws(CronError) -> Int {
    guard take("/") else { return 1 }
    let at = index
    while let scalar = current, scalar.isASCIIDigit { index += 1 }
    let digits = scalars[at..<index]
    guard !digits.isEmpty else { throw CronError("want a number after '/'", at: at) }
    let number = digits.count <= 4 ? Int(CronParser.string(digits)) ?? .max : .max
    guard number > 0 else { throw CronError("a step of 0 leads nowhere", at: at) }
    guard number <= width else {
      throw CronError(
        "a step of \(CronParser.quotable(digits)) is longer than the \(field.name) field is wide (\(width)), "
          + "so that it would not be kept", at: at, suggestion: "for an even interval write the trigger 'every: …'")
    }
    return number
  }

  private func refuseOrdinal() throws(CronError) {
    if current == "#", field.range == CronField.dayOfWeek.range { throw notYet("#", at: index) }
  }

  /// OCPS 1.0 section 6.2: `5/15` means different things to different schedulers.
  private func refuseStepOnValue(_ value: Int, from start: Int) throws(CronError) {
    guard current == "/" else { return }
    throw CronError(
      "a step needs '*' or a range in front of it", at: start,
      suggestion: "did you mean '\(value)-\(field.range.upperBound)/…'?")
  }
}

extension CronFieldParser {
  private var rangeText: String { "\(field.range.lowerBound)-\(field.range.upperBound)" }

  private func backwards(_ first: Int, _ last: Int, at offset: Int) -> CronError {
    let tail = first == field.range.upperBound ? "\(first)" : "\(first)-\(field.range.upperBound)"
    let head = last == field.range.lowerBound ? "\(last)" : "\(field.range.lowerBound)-\(last)"
    return CronError(
      "the range \(first)-\(last) runs backwards", at: offset, suggestion: "did you mean '\(tail),\(head)'?")
  }

  private func missing(startsRange: Bool) -> CronError {
    guard let scalar = current else {
      return CronError("want a \(field.name) after '\(scalars[index - 1])'", at: index)
    }
    if scalar == ",", startsRange { return CronError("the list has an empty element", at: index) }
    if scalar == "+", field.range == CronField.dayOfWeek.range, index == scalars.startIndex {
      return notYet(scalar, at: index)
    }
    return unexpected()
  }

  private func unexpected() -> CronError {
    guard let scalar = current else { return CronError("want a \(field.name)", at: index) }
    return CronError("'\(CronParser.quotable([scalar]))' cannot stand here in a \(field.name)", at: index)
  }

  /// A letter of the Open Cron Pattern Specification, or Jenkins' `H`, that stands where it would have a meaning.
  private func specialLetter(in run: ArraySlice<Unicode.Scalar>) -> (scalar: Unicode.Scalar, offset: Int)? {
    guard let first = run.first, let last = run.last else { return nil }
    if run.elementsEqual(["H"]) { return ("H", run.startIndex) }
    let isDayOfMonth = field.range == CronField.dayOfMonth.range
    let isDayOfWeek = field.range == CronField.dayOfWeek.range
    if isDayOfMonth, run.allSatisfy({ $0.isASCIIDigit || $0 == "L" || $0 == "W" }) {
      return run.first { !$0.isASCIIDigit }.map { ($0, run.firstIndex(of: $0) ?? run.startIndex) }
    }
    if isDayOfWeek, last == "L" {
      let day = run.dropLast()
      if day.isEmpty || (day.count == 1 && first.isASCIIDigit) || field.number(of: CronParser.string(day)) != nil {
        return ("L", run.endIndex - 1)
      }
    }
    return nil
  }

  private func notYet(_ scalar: Unicode.Scalar, at offset: Int) -> CronError {
    CronError("'\(scalar)' is not supported yet", at: offset)
  }
}

extension Unicode.Scalar {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
