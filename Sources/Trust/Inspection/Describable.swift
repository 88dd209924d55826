import Model

/// What a signed object says, as lines for people.
protocol Describable: SignedContent {
  /// Whom it is from (receipt) or for (orders).
  var concernedAgent: AgentID? { get }
  /// Labels and texts; the texts may hold anything that the signer wrote.
  var claims: [(String, String)] { get }
}

extension Bundle: Describable {
  var concernedAgent: AgentID? { nil }
  var claims: [(String, String)] {
    [("job", job.name.text), ("repository", source.repository), ("branch", source.branch), ("manifest", source.path)]
      + files.map { ("file", "\($0.digest.short) \($0.executable ? "x" : "-") \($0.size) \($0.path)") }
  }
}

extension Assignment: Describable {
  var concernedAgent: AgentID? { agent }
  var claims: [(String, String)] {
    [
      ("agent", agent.text), ("position", position.description), ("issued", issued.description),
      ("expires", expires.description),
    ]
      + entries.map {
        ("job", "\($0.job) bundle \($0.bundle.short) commit \($0.commit.short) lease \($0.lease.manifestText)")
      }
  }
}

extension Dispatch: Describable {
  var concernedAgent: AgentID? { agent }
  var claims: [(String, String)] {
    [
      ("agent", agent.text), ("epoch", String(epoch)), ("job", job.text), ("bundle", bundle.hex), ("request", request),
      ("nominal", nominal.description), ("start by", startBy.description),
    ] + params.sorted { $0.key < $1.key }.map { ("param", "\($0.key)=\($0.value.text)") }
  }
}

extension Receipt: Describable {
  var concernedAgent: AgentID? { agent }
  var claims: [(String, String)] {
    var lines = [
      ("run", run.text), ("job", occurrence.job.text), ("nominal", occurrence.nominal.description),
      ("outcome", outcome.description), ("agent", "\(agentName) \(agent)"), ("bundle", bundle.hex),
      ("commit", commit.text), ("ended", ended.description),
    ]
    if let started { lines.append(("started", started.description)) }
    if let reason { lines.append(("reason", reason)) }
    if count > 1 { lines.append(("stands for", "\(count) occurrences")) }
    for attempt in attempts {
      let end = attempt.exitCode.map { "exit \($0)" } ?? attempt.signal.map { "signal \($0)" } ?? "no exit"
      let log = attempt.log.digest?.short ?? "empty"
      lines.append(("attempt \(attempt.number)", "\(attempt.state.rawValue), \(end), log \(log)"))
    }
    return lines
  }
}
