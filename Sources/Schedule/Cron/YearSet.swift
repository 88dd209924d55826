/// The years of a cron expression: a set of those from 1970 to 2199 (OCPS 1.2 section 4.2), or all that there are.
struct YearSet: Hashable, Sendable {
  static let range = 1_970...2_199

  /// No restriction, also beyond ``range``.
  let isEvery: Bool
  /// Bit 0 of the first word is the year 1970.
  private var words: SIMD4<UInt64> = .zero

  static let every = YearSet(isEvery: true)

  init(_ years: some Sequence<Int>) {
    isEvery = false
    for year in years where Self.range.contains(year) {
      let place = year - Self.range.lowerBound
      words[place / 64] |= 1 << UInt64(place % 64)
    }
  }

  private init(isEvery: Bool) { self.isEvery = isEvery }

  func contains(_ year: Int) -> Bool {
    if isEvery { return true }
    guard Self.range.contains(year) else { return false }
    let place = year - Self.range.lowerBound
    return words[place / 64] >> UInt64(place % 64) & 1 == 1
  }

  /// The least year of the set that is greater than `year`; nil beyond `last`.
  func next(after year: Int, through last: Int) -> Int? {
    if isEvery { return year < last ? year + 1 : nil }
    guard year < Self.range.upperBound else { return nil }
    var candidate = max(year + 1, Self.range.lowerBound)
    while candidate <= min(last, Self.range.upperBound) {
      if contains(candidate) { return candidate }
      candidate += 1
    }
    return nil
  }

  /// The greatest year of the set that is less than `year`; nil before `first`.
  func previous(before year: Int, from first: Int) -> Int? {
    if isEvery { return year > first ? year - 1 : nil }
    guard year > Self.range.lowerBound else { return nil }
    var candidate = min(year - 1, Self.range.upperBound)
    while candidate >= max(first, Self.range.lowerBound) {
      if contains(candidate) { return candidate }
      candidate -= 1
    }
    return nil
  }

  /// In ascending order; empty when there is no restriction.
  var listed: [Int] { isEvery ? [] : Self.range.filter(contains) }
}
