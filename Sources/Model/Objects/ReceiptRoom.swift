extension Receipt {
  /// Bytes, as JSON, of all that attempts give back: half of what a receipt may have in all, so that no number of attempts
  /// can make one that cannot be signed.
  public static let yieldLimit = 128 << 10

  /// Leaves out what attempts gave back, the first ones' first, until the rest has room; the last attempt's always has.
  /// The attempts say so in their reasons.
  public mutating func shorten(to limit: Int = yieldLimit) {
    var room = limit
    for index in attempts.indices.reversed() where attempts[index].hasYield {
      let size = attempts[index].yieldSize
      room -= size
      if room < 0 { attempts[index].dropYield() }
    }
  }
}

extension Receipt.Attempt {
  var hasYield: Bool { !outputs.isEmpty || !artifacts.isEmpty }

  /// Bytes as JSON, about.
  var yieldSize: Int {
    let values = outputs.isEmpty ? 0 : JSONValue.sorted(outputs.mapValues(\.json)).bytes.count
    return values + artifacts.reduce(0) { $0 + $1.json.bytes.count + 1 }
  }

  fileprivate mutating func dropYield() {
    outputs = [:]
    artifacts = []
    let words = "what it gave back is left out: the run's attempts gave back too much for one receipt"
    reason = reason.map { "\($0); \(words)" } ?? words
  }
}
