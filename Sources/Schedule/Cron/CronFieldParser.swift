import Model

/// Reads one field: a list of `*`, values and ranges, the last two kinds and `*` with an optional step, and what
/// CronFieldParser+Modifiers.swift adds to them.
struct CronFieldParser {
  let field: CronField
  let scalars: ArraySlice<Unicode.Scalar>
  /// Also the offset from the start of the expression, because slices keep their indices.
  var index: Int

  static func elements(of word: CronParser.Word, _ field: CronField) throws(CronError) -> [CronElement] {
    var parser = CronFieldParser(field: field, scalars: word.scalars, index: word.offset)
    return try parser.list()
  }

  var current: Unicode.Scalar? { index < scalars.endIndex ? scalars[index] : nil }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard current == scalar else { return false }
    index += 1
    return true
  }

  private mutating func list() throws(CronError) -> [CronElement] {
    var elements: [CronElement] = []
    var single: Int?
    var hashes = 0
    repeat {
      let start = index
      let element = try item()
      elements.append(element)
      if case .nearestWeekday = element { single = start }
      if case .hash = element { hashes += 1 }
      if let single, elements.count > 1 { throw weekdayInList(at: single) }
      guard hashes <= 1 else { throw secondHash(at: start) }
    } while take(",")
    if current != nil { throw unexpected() }
    return elements
  }

  private mutating func item() throws(CronError) -> CronElement {
    let start = index
    if take("*") {
      let step = try step(width: field.width) ?? 1
      return .span(field.range, step: step, isWildcard: step == 1)
    }
    if current == "?" {
      guard field.allowsQuestionMark else {
        throw CronError("'?' has a meaning in the two day fields only", at: index, suggestion: "write '*'")
      }
      index += 1
      return .span(field.range, step: 1, isWildcard: true)
    }
    if let element = try modified() { return element }
    let first = try value(startsRange: true)
    guard take("-") else {
      try refuseStepOnValue(first, from: start)
      return .span(first...first, step: 1, isWildcard: false)
    }
    let range = try range(from: first, at: start)
    if current == "#" { throw ordinalOfRange(range, at: index) }
    return .span(range, step: try step(width: field.width) ?? 1, isWildcard: false)
  }

  /// The rest of a range, after the `-`.
  mutating func range(from first: Int, at start: Int) throws(CronError) -> ClosedRange<Int> {
    var last = try value(startsRange: false)
    // The Sunday that ends a range is the one after its start.
    if field.isDayOfWeek, last == 0, first > 0, wordJustRead { last = 7 }
    guard first <= last else { throw backwards(first, last, at: start) }
    return first...last
  }

  /// The last value was a name rather than a number.
  private var wordJustRead: Bool { index > scalars.startIndex && scalars[index - 1].properties.isAlphabetic }

  /// The letters and digits that come next.
  func run() -> ArraySlice<Unicode.Scalar> {
    scalars[index...].prefix { $0.properties.isAlphabetic || $0.isASCIIDigit }
  }

  /// A number or a name within the field's range.
  mutating func value(startsRange: Bool) throws(CronError) -> Int {
    let start = index
    let run = run()
    guard !run.isEmpty else { throw missing(startsRange: startsRange) }
    index = run.endIndex
    if run.allSatisfy(\.isASCIIDigit) {
      let number = Self.number(run)
      guard field.range.contains(number) else {
        let range = "\(field.range.lowerBound)-\(field.range.upperBound)"
        throw CronError("\(field.name) \(CronParser.quotable(run)) is not within \(range)", at: start)
      }
      return number
    }
    guard let number = field.number(of: CronParser.string(run)) else { throw notAValue(run) }
    return number
  }

  /// Four digits are enough for any field; more are given as a number that is out of all ranges.
  static func number(_ digits: ArraySlice<Unicode.Scalar>) -> Int {
    digits.count <= 4 ? Int(CronParser.string(digits)) ?? .max : .max
  }

  /// The step after `*`, a range or `H`, of at most `width`; nil when there is none.
  mutating func step(width: Int) throws(CronError) -> Int? {
    guard take("/") else { return nil }
    let at = index
    let digits = scalars[index...].prefix(while: \.isASCIIDigit)
    index = digits.endIndex
    guard !digits.isEmpty else { throw CronError("want a number after '/'", at: at) }
    let number = Self.number(digits)
    guard number > 0 else { throw CronError("a step of 0 leads nowhere", at: at) }
    guard number <= width else { throw stepTooLong(digits, width, at: at) }
    return number
  }

  /// OCPS 1.0 section 6.2: `5/15` means different things to different schedulers.
  private func refuseStepOnValue(_ value: Int, from start: Int) throws(CronError) {
    guard current == "/" else { return }
    throw CronError(
      "a step needs '*' or a range in front of it", at: start,
      suggestion: "did you mean '\(value)-\(field.range.upperBound)/…'?")
  }
}

extension Unicode.Scalar {
  var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
