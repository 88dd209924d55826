import Model

/// One element of a field's list, its numbers held against the field's range.
enum CronElement: Hashable, Sendable {
  /// The first number of the range and every `step`-th after it. A wildcard is a `*` or `?` without a longer step: it
  /// leaves the choice of the day to the other day field.
  case span(ClosedRange<Int>, step: Int, isWildcard: Bool)
  /// `H`: one number of the range; with a step, every `step`-th from one of the first `step` on.
  case hash(ClosedRange<Int>, step: Int?)
  /// `L` of a day of month.
  case lastDay
  /// `15W`: the day from Monday to Friday that is nearest; nil is `LW`, the last such day of the month.
  case nearestWeekday(Int?)
  /// `FRI#2`, the day from 0 (Sunday) to 6; an ordinal of nil is `FRI#L`, the last one of the month.
  case ordinal(weekday: Int, Int?)

  var isWildcard: Bool { if case .span(_, _, let isWildcard) = self { isWildcard } else { false } }

  /// How many different things `H` can stand for; 1 for all else.
  var choices: Int { if case .hash(let range, let step) = self { step ?? range.count } else { 1 } }

  /// The plain numbers that it means, of which `H` takes its choice from 0 on.
  func numbers(choosing choice: Int) -> StrideThrough<Int>? {
    switch self {
    case .span(let range, let step, _): stride(from: range.lowerBound, through: range.upperBound, by: step)
    case .hash(let range, let step):
      stride(
        from: range.lowerBound + choice, through: step == nil ? range.lowerBound + choice : range.upperBound,
        by: step ?? 1)
    case .lastDay, .nearestWeekday, .ordinal: nil
    }
  }
}

/// What `H` stands for: a number that follows from the job's name and the field alone, on every machine.
struct CronHash {
  /// The job's name.
  var name: String

  /// 0..<count, evenly spread over names.
  func choice(for field: CronField, of count: Int) -> Int {
    var hash = StableHash()
    hash.combine("cron/1")
    hash.combine(name)
    hash.combine(field.name)
    return Int(hash.value.multipliedFullWidth(by: UInt64(count)).high)
  }
}
