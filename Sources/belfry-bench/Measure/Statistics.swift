extension Collection where Element == Double {
  /// Zero when there is nothing.
  var median: Double { percentile(50) }

  /// The nearest rank: a value that was measured. Zero when there is nothing.
  func percentile(_ percent: Double) -> Double {
    let sorted = self.sorted()
    guard !sorted.isEmpty else { return 0 }
    let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
    return sorted[Swift.min(Swift.max(rank, 1), sorted.count) - 1]
  }
}
