/// A set of numbers from 0 to 63 in one word: a cron field's values, or the days of a month.
struct FieldSet: Hashable, Sendable {
  var bits: UInt64

  init(bits: UInt64 = 0) { self.bits = bits }

  /// Every number of the range, which must lie within 0...63.
  init(_ range: ClosedRange<Int>, by step: Int = 1) {
    bits = 0
    for value in stride(from: range.lowerBound, through: range.upperBound, by: step) { insert(value) }
  }

  var isEmpty: Bool { bits == 0 }
  var first: Int? { bits == 0 ? nil : bits.trailingZeroBitCount }
  var last: Int? { bits == 0 ? nil : 63 - bits.leadingZeroBitCount }

  mutating func insert(_ value: Int) { bits |= 1 << UInt64(value) }
  mutating func formUnion(_ other: FieldSet) { bits |= other.bits }
  func intersection(_ other: FieldSet) -> FieldSet { FieldSet(bits: bits & other.bits) }
  func contains(_ value: Int) -> Bool { bits >> UInt64(value) & 1 == 1 }

  /// The least member that is greater than `value` (0...63).
  func next(after value: Int) -> Int? {
    FieldSet(bits: bits & (.max << UInt64(value)) << 1).first
  }

  /// The greatest member that is less than `value` (0...63).
  func previous(before value: Int) -> Int? {
    FieldSet(bits: bits & ((1 << UInt64(value)) - 1)).last
  }
}
