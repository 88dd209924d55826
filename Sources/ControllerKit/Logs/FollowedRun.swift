import HTTPTypes
import Model
import Planning

/// A run that somebody wants to follow.
struct FollowedRun: Hashable, Sendable {
  var run: RunID
  var job: JobName
  var agent: AgentID
  var agentName: AgentName
}

/// Finds the run that a person means: a run's id or the first digits of it; a job, for the run that is going, else the one
/// that waits, else the last one. Pure.
struct FollowSearch {
  var members: [FleetState.Member]
  var ordered: [LogHub.Ordered]
  var recent: RecentRuns

  /// Throws an ``APIError`` unless exactly one run is meant.
  func find(_ words: String) throws(APIError) -> FollowedRun {
    let isHexadecimal = words.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    if isHexadecimal, words.utf8.count == 20, let run = try? RunID(words), let found = candidates({ $0 == run }).first {
      return found
    }
    if let job = try? JobName(words), let found = latest(of: job) { return found }
    guard isHexadecimal, (4...20).contains(words.utf8.count) else {
      throw APIError(
        .notFound, "'\(words.prefix(100))' is neither a run nor a job that has one here",
        hint: "'belfry status' shows the jobs, 'belfry history' the runs")
    }
    let found = candidates { $0.text.hasPrefix(words) }
    guard let first = found.first else {
      throw APIError(
        .notFound, "no run that begins with \(words) is known here",
        hint: "older runs are on the results branch: 'belfry logs' without --follow")
    }
    guard found.count == 1 else {
      throw APIError(.conflict, "\(found.count) runs begin with \(words)", hint: "give more digits")
    }
    return first
  }

  /// Each once.
  private func candidates(_ isMeant: (RunID) -> Bool) -> [FollowedRun] {
    var found: [RunID: FollowedRun] = [:]
    for member in members {
      for run in (member.report?.running ?? []) + (member.report?.queued ?? []) where isMeant(run.run) {
        found[run.run] = FollowedRun(member, run)
      }
    }
    for ordered in ordered where isMeant(ordered.run) {
      guard found[ordered.run] == nil, let followed = self.followed(ordered) else { continue }
      found[ordered.run] = followed
    }
    for receipt in recent.matching(isMeant) where found[receipt.run] == nil {
      found[receipt.run] = FollowedRun(receipt)
    }
    return found.values.sorted { $0.run < $1.run }
  }

  private func latest(of job: JobName) -> FollowedRun? {
    func newest(_ runs: (AgentReport) -> [AgentReport.Running]) -> FollowedRun? {
      let all = members.flatMap { member in
        (member.report.map(runs) ?? []).filter { $0.job == job }.map { (member, $0) }
      }
      return all.max { ($0.1.started, $0.1.run) < ($1.1.started, $1.1.run) }.map(FollowedRun.init)
    }
    if let going = newest(\.running) { return going }
    // One that was ordered a moment ago may not be in any report yet.
    if let ordered = ordered.last(where: { $0.job == job }), recent[ordered.run] == nil { return followed(ordered) }
    if let queued = newest(\.queued) { return queued }
    return recent.latest[job]?.values.max { $0.occurrence.nominal < $1.occurrence.nominal }.map(FollowedRun.init)
  }

  private func followed(_ ordered: LogHub.Ordered) -> FollowedRun? {
    members.first { $0.agent.id == ordered.agent }.map {
      FollowedRun(run: ordered.run, job: ordered.job, agent: ordered.agent, agentName: $0.agent.name)
    }
  }
}

extension FollowedRun {
  fileprivate init(_ member: FleetState.Member, _ run: AgentReport.Running) {
    self.init(run: run.run, job: run.job, agent: member.agent.id, agentName: member.agent.name)
  }

  fileprivate init(_ receipt: Receipt) {
    self.init(run: receipt.run, job: receipt.occurrence.job, agent: receipt.agent, agentName: receipt.agentName)
  }
}
