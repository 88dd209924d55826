import Model

/// What a commit of results says.
enum CommitMessage {
  /// Lines of runs at the most; a batch may have thousands, and the receipts say it all.
  static let lineLimit = 100

  static func results(_ receipts: [Receipt], trailers: Trailers) -> String {
    var text = "results: " + summary(receipts) + "\n"
    if !receipts.isEmpty { text += "\n" }
    for receipt in receipts.prefix(lineLimit) {
      text += "\(receipt.occurrence.job) \(receipt.occurrence.nominal) \(receipt.agentName): \(receipt.outcome)"
      if let duration = receipt.duration { text += " in \(shortText(duration))" }
      text += "\n"
    }
    if receipts.count > lineLimit { text += "and \(receipts.count - lineLimit) more\n" }
    return text + "\n" + trailers.text
  }

  /// `3 succeeded, 1 failed (orders/backup)`: only what did not succeed is named, three jobs at the most.
  static func summary(_ receipts: [Receipt]) -> String {
    var counts: [Outcome: Int] = [:]
    var bad: Set<JobName> = []
    for receipt in receipts {
      counts[receipt.outcome, default: 0] += 1
      if !receipt.outcome.isSuccess { bad.insert(receipt.occurrence.job) }
    }
    guard !counts.isEmpty else { return "keys and logs" }
    let order = Outcome.inPageOrder.reversed().filter { $0.isSuccess } + Outcome.inPageOrder.filter { !$0.isSuccess }
    let parts = order.compactMap { outcome in counts[outcome].map { "\($0) \(words(outcome))" } }
    var text = parts.joined(separator: ", ")
    let names = bad.sorted()
    if !names.isEmpty {
      text += " (" + names.prefix(3).map(\.text).joined(separator: ", ")
      text += (names.count > 3 ? ", and \(names.count - 3) more" : "") + ")"
    }
    return text
  }

  private static func words(_ outcome: Outcome) -> String {
    switch outcome {
    case .ran(.timedOut): "timed out"
    case .ran(let state): state.rawValue.lowercased()
    case .skipped(.overlap): "skipped for overlap"
    case .skipped(.blackout): "skipped for a blackout"
    case .skipped(.suspended): "skipped as suspended"
    case .skipped(.missedDeadline): "missed"
    case .skipped(.noEligibleAgent): "without an agent"
    case .skipped(.refusedVerification): "refused by verification"
    case .skipped(.refusedPolicy): "refused by policy"
    case .skipped(.abortedRollout): "aborted with their rollout"
    case .skipped(.quarantined): "in quarantine"
    case .skipped(.noRoom): "without room"
    }
  }
}

/// The lines at the end of every commit that a controller makes on the branch.
struct Trailers: Hashable {
  let epoch: Int64
  let writer: String
  let source: String

  static let epochKey = "Belfry-Epoch"
  static let writerKey = "Belfry-Writer"
  static let sourceKey = "Belfry-Source"

  /// Higher ones are somebody's joke: one more must always be possible.
  static let highestEpoch: Int64 = 1 << 53

  var text: String {
    [(Self.epochKey, String(epoch)), (Self.writerKey, writer), (Self.sourceKey, source)]
      .filter { !$0.1.isEmpty }
      .map { "\($0.0): \($0.1)\n" }.joined()
  }

  /// Reads the last paragraph of a commit's message; nil when it names no epoch. What job or agent can write stands in
  /// paragraphs before it, and never at the start of a line.
  init?(message: String) {
    // By bytes: for Swift's characters a CR LF is one, and no LF.
    let lines = message.utf8.split(separator: 0x0a, omittingEmptySubsequences: false)
      .map { Substring($0.last == 0x0d ? $0.dropLast() : $0) }
    guard let last = lines.lastIndex(where: { !$0.isEmpty }) else { return nil }
    let paragraph = lines[...last].suffix(while: { !$0.isEmpty })
    var values: [Substring: Substring] = [:]
    for line in paragraph {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1].drop { $0 == " " } }
    }
    guard let epoch = values[Self.epochKey[...]].flatMap({ Int64($0) }), (1...Self.highestEpoch).contains(epoch)
    else { return nil }
    self.init(
      epoch: epoch, writer: String(values[Self.writerKey[...]] ?? ""), source: String(values[Self.sourceKey[...]] ?? "")
    )
  }

  init(epoch: Int64, writer: String, source: String) {
    self.epoch = epoch
    self.writer = Self.line(writer)
    self.source = Self.line(source)
  }

  /// One line without spaces around it, so that what is read back is what was written.
  private static func line(_ text: String) -> String {
    TerminalText.neutralised(String(text.prefix(300))).split(separator: " ").joined(separator: " ")
  }
}

extension BidirectionalCollection {
  /// The longest end whose elements all fit.
  fileprivate func suffix(while fits: (Element) -> Bool) -> SubSequence {
    var start = endIndex
    while start > startIndex, fits(self[index(before: start)]) { start = index(before: start) }
    return self[start...]
  }
}
