/// Lists in English.
enum WordList {
  static func and(_ items: [String]) -> String { joined(items, "and") }
  static func or(_ items: [String]) -> String { joined(items, "or") }

  private static func joined(_ items: [String], _ word: String) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " \(word) \(last)"
  }

  /// `1, 5 to 9 and 12`, of ascending numbers.
  static func numbers(_ numbers: [Int], _ name: (Int) -> String) -> String { and(spans(numbers, name)) }

  /// Three neighbours or more make one item: `5 to 9`.
  static func spans(_ numbers: [Int], _ name: (Int) -> String) -> [String] {
    runs(numbers).flatMap { run in
      run.count > 2 ? ["\(name(run.lowerBound)) to \(name(run.upperBound))"] : run.map(name)
    }
  }

  /// Ascending numbers as the ranges that they fill.
  static func runs(_ numbers: [Int]) -> [ClosedRange<Int>] {
    var runs: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound == number - 1 {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs
  }

  /// `1st`, `2nd`, `23rd`.
  static func ordinal(_ number: Int) -> String {
    switch (number % 10, number / 10 % 10) {
    case (1, let tens) where tens != 1: "\(number)st"
    case (2, let tens) where tens != 1: "\(number)nd"
    case (3, let tens) where tens != 1: "\(number)rd"
    default: "\(number)th"
    }
  }
}

/// Numbers at even distances.
enum Progression {
  /// So many numbers are described rather than listed.
  static let shortest = 5

  /// The distance of neighbours; nil when it varies or there are no two.
  static func step(_ numbers: [Int]) -> Int? {
    guard numbers.count > 1 else { return nil }
    let step = numbers[1] - numbers[0]
    return zip(numbers, numbers.dropFirst()).allSatisfy { $1 - $0 == step } ? step : nil
  }

  /// `every 7th minute from 0 to 56`; nil for what is better listed.
  static func words(_ numbers: [Int], _ unit: String, _ name: (Int) -> String) -> String? {
    guard numbers.count >= shortest, let step = step(numbers), step > 1 else { return nil }
    return "every \(WordList.ordinal(step)) \(unit) from \(name(numbers[0])) to \(name(numbers[numbers.count - 1]))"
  }
}
