import Model

/// A run that an agent is at work on, as the controller's status has it.
struct GoingRun: Hashable {
  var run: RunID
  var job: String
  var agent: String
  var started: Timestamp?

  /// The newest one that the words mean: a job's name, a run's id, or four or more of its first digits. Nil when there is none.
  static func find(_ words: String, in status: JSONValue) -> GoingRun? {
    let all = (status["agents"]?["list"]?.arrayValue ?? []).flatMap { agent in
      (agent["running"]?.arrayValue ?? []).compactMap { GoingRun($0, on: agent["name"]?.stringValue ?? "") }
    }
    let meant = all.filter { $0.job == words || (words.count >= 4 && $0.run.text.hasPrefix(words)) }
    return meant.max { ($0.started ?? .distantPast, $0.run) < ($1.started ?? .distantPast, $1.run) }
  }

  private init?(_ json: JSONValue, on agent: String) {
    guard let run = json["run"]?.stringValue.flatMap({ try? RunID($0) }), let job = json["job"]?.stringValue else {
      return nil
    }
    self.run = run
    self.job = job
    self.agent = agent
    started = json.time("started")
  }

  /// What is said instead of its log, which is on no branch yet.
  func error(at now: Timestamp) -> CommandError {
    let since = started.map { ", started \(Humane.relative($0, to: now))" } ?? ""
    return CommandError(
      .bad, "run \(run) of \(job) is still going on \(agent)\(since): its log comes to the branch with its end",
      hint: "'belfry logs -f \(run.text.prefix(12))' shows what it has written and what it writes")
  }
}

extension Timestamp {
  fileprivate static let distantPast = Timestamp(seconds: 0)
}
