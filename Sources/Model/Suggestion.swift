/// Finds the word that somebody most likely meant.
public enum Suggestion {
  /// The candidate with the least edit distance from `word`, when it is at most a third of the word's length (and at
  /// least 1, at most 3); ties go to the first candidate. Words over 64 bytes get no suggestion.
  public static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    let limit = min(3, max(1, word.utf8.count / 3))
    var best: (candidate: String, distance: Int)?
    // Words whose lengths differ by more than the limit are further apart than it.
    for candidate in candidates where abs(candidate.utf8.count - word.utf8.count) <= limit {
      let distance = editDistance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost 1 each.
  private static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
