import Model

/// `GET /v1/status` for people. What a newer controller tells beyond this is passed over, what an older one does not
/// tell is left out.
struct StatusReport {
  private let status: JSONValue
  private let now: Timestamp?

  init(_ status: JSONValue) {
    self.status = status
    now = status.time("now")
  }

  var text: String {
    let parts = [head, agents, jobs, diagnostics]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var head: String {
    var lines: [(String, String)] = []
    if let source = status["source"] {
      let state = "\(word(source, "status"))\(since(source, "checked", "checked"))"
      lines.append(("Source", "\(place(source, commit: "commit")), \(state)"))
      if let reason = source["reason"]?.stringValue { lines.append(("", reason)) }
    }
    if let results = status["results"] {
      let count = Int(results["pending"]?.integerValue ?? 0)
      let pending = count == 0 ? "" : ", \(Humane.count(count, "receipt")) pending"
      lines.append(("Results", "\(place(results, commit: "tip")), \(word(results, "state"))\(pending)"))
      if let reason = results["reason"]?.stringValue { lines.append(("", reason)) }
    }
    if let agents = status["agents"], let known = agents["known"]?.integerValue {
      lines.append(("Agents", "\(agents["connected"]?.integerValue ?? 0) of \(known) connected"))
    }
    if let version = status["version"]?.stringValue {
      let epoch = status["epoch"]?.integerValue.map { ", epoch \($0)" } ?? ""
      lines.append(("Controller", version + epoch))
    }
    if let later = status["laterEpoch"]?["words"]?.stringValue { lines.append(("Epoch", later)) }
    return lines.map { label, text in
      label + String(repeating: " ", count: 12 - label.count) + TerminalText.neutralised(text) + "\n"
    }.joined()
  }

  /// `/srv/jobs.git main at 1a2b3c4d5`
  private func place(_ value: JSONValue, commit: String) -> String {
    let at = value[commit]?.stringValue.map { " at \($0.prefix(9))" } ?? ""
    return "\(word(value, "repository")) \(word(value, "branch"))\(at)"
  }

  private func word(_ value: JSONValue, _ key: String) -> String { value[key]?.stringValue ?? "unknown" }

  private func since(_ value: JSONValue, _ key: String, _ verb: String) -> String {
    guard let now, let time = value.time(key) else { return "" }
    return ", \(verb) \(Humane.relative(time, to: now))"
  }

  private var agents: String {
    var table = Table("AGENT", "LINK", "SYNC", "HEALTH", "POSITION", "LAST HEARD", "RUNNING", "SPOOLED", "NOTE")
    for agent in status["agents"]?["list"]?.arrayValue ?? [] {
      let heard = agent.time("lastHeard")
      let running = agent["running"]?.arrayValue?.compactMap { $0["job"]?.stringValue } ?? []
      let problems = agent["problems"]?.arrayValue?.compactMap(\.stringValue) ?? []
      table.add(
        agent["name"]?.stringValue, agent["connected"]?.boolValue == true ? "connected" : "away",
        agent["sync"]?.stringValue, agent["health"]?.stringValue, position(agent["position"]),
        heard.map { time in now.map { Humane.relative(time, to: $0) } ?? time.description },
        running.count > 2 ? "\(running.count) runs" : running.joined(separator: ", "),
        agent["spooled"]?.integerValue.flatMap { $0 == 0 ? nil : String($0) },
        ([agent["reason"]?.stringValue] + problems).compactMap(\.self).joined(separator: "; "))
    }
    return table.text
  }

  private func position(_ value: JSONValue?) -> String? {
    if let text = value?.stringValue { return text }
    guard let epoch = value?["epoch"]?.integerValue, let sequence = value?["sequence"]?.integerValue else { return nil }
    return "\(epoch).\(sequence)"
  }

  private var jobs: String {
    var table = Table("JOB", "SYNC", "HEALTH", "BUNDLE", "AGENTS", "LAST", "NEXT", "NOTE")
    for job in status["jobs"]?.arrayValue ?? [] {
      let reasons = [job["healthReason"]?.stringValue, job["syncReason"]?.stringValue].compactMap(\.self)
      table.add(
        job["job"]?.stringValue, job["sync"]?.stringValue, job["health"]?.stringValue,
        job["bundle"]?.stringValue.map { String($0.prefix(12)) }, holders(job), last(job), next(job),
        reasons.first)
    }
    return table.text
  }

  /// Of the agents that should hold the job, how many do.
  private func holders(_ job: JSONValue) -> String? {
    func count(_ key: String) -> Int64? { job[key]?.integerValue ?? job[key]?.arrayValue.map { Int64($0.count) } }
    guard let holders = count("holders"), let eligible = count("eligible") else { return nil }
    return "\(holders)/\(eligible)"
  }

  private func last(_ job: JSONValue) -> String? {
    guard let outcome = job["lastOutcome"]?.stringValue else { return nil }
    guard let now, let nominal = job.time("lastNominal") else { return outcome }
    return "\(outcome) \(Humane.relative(nominal, to: now))"
  }

  private func next(_ job: JSONValue) -> String? {
    guard let next = job.time("next") else { return nil }
    return next.description + (now.map { " (\(Humane.relative(next, to: $0)))" } ?? "")
  }

  private var diagnostics: String {
    let list = status["source"]?["diagnostics"]?.arrayValue ?? []
    return list.map { diagnostic in
      TerminalText.neutralised(
        diagnostic["rendered"]?.stringValue ?? word(diagnostic, "message"), keepingLines: true) + "\n"
    }.joined()
  }
}

extension JSONValue {
  /// A member that is a time; nil for anything else.
  func time(_ key: String) -> Timestamp? { self[key]?.stringValue.flatMap { Timestamp(rfc3339: $0) } }
}
