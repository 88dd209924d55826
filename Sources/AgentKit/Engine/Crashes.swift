import Model

/// When a bundle counts as dangerous.
public struct QuarantineRule: Sendable, Hashable {
  /// So many crashes within the window put it in quarantine; 0 never.
  public var crashes: Int
  /// A crash that is longer ago does not count.
  public static let window = Duration.seconds(86_400)

  public init(crashes: Int = 3) { self.crashes = crashes }
}

/// Counts, for each bundle, how often its runs have crashed the agent or their shims lately. Pure; the ledger holds the same.
struct Crashes: Sendable {
  let rule: QuarantineRule
  private(set) var times: [Digest: [Timestamp]]

  /// `times` in any order.
  init(rule: QuarantineRule, times: [Digest: [Timestamp]] = [:]) {
    self.rule = rule
    self.times = times
  }

  /// Counts a crash; true when it is one too many.
  mutating func add(_ bundle: Digest, at now: Timestamp) -> Bool {
    // Those of a clock that ran ahead are none of the window either.
    let recent = (times[bundle] ?? []).filter { $0 > now - QuarantineRule.window && $0 <= now } + [now]
    times[bundle] = Array(recent.suffix(max(1, rule.crashes)))
    return rule.crashes > 0 && recent.count >= rule.crashes
  }

  /// Somebody has looked: one more crash is one too many again.
  mutating func forgive(_ bundle: Digest) {
    guard let known = times[bundle] else { return }
    times[bundle] = Array(known.sorted().suffix(max(0, rule.crashes - 1)))
  }

  /// In words, for people.
  func words(_ job: JobName, last: String) -> String {
    let times = rule.crashes == 1 ? "once" : "\(rule.crashes) times"
    return
      "its runs crashed the agent or their shim \(times) within \(QuarantineRule.window.manifestText), at last because "
      + "\(last); it starts again in another version, or with 'belfry run \(job)'"
  }
}
