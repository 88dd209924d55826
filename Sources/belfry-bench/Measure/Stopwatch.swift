/// Seconds that something takes.
enum Stopwatch {
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure { try body() }.inSeconds
  }

  /// What `body` gives, and the seconds it took are added to `sum`.
  static func add<Value>(to sum: inout Double, _ body: () throws -> Value) rethrows -> Value {
    let clock = ContinuousClock()
    let start = clock.now
    defer { sum += (clock.now - start).inSeconds }
    return try body()
  }

  /// Calls of `body` a second, for about as long as given. `body` does `batch` calls of what is counted.
  static func rate(batch: Int, for seconds: Double, _ body: () throws -> Void) rethrows -> Double {
    try body()
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    while true {
      try body()
      count += batch
      let elapsed = (clock.now - start).inSeconds
      if elapsed >= seconds { return Double(count) / elapsed }
    }
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
