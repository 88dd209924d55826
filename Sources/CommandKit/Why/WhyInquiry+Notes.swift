import Git
import Model
import Planning
import Results
import Schedule

// What there is to say of the source, of versions, and of the absence of records.
extension WhyInquiry {
  private func text(_ commit: CommitInfo) -> String {
    "\(commit.id.short) of \(commit.committer.time) (\(commit.summary.prefix(60)))"
  }

  /// Which commit the branch was at, which version that means, and how the job has changed since.
  func noteSource(_ scene: Scene, _ answer: inout WhyAnswer) throws {
    guard let commit = scene.commit else {
      let cut = history.isCut ? "; older commits are not in this clone" : ""
      return answer.note("source", "\(history.name) has no commit that is as old\(cut)")
    }
    answer.note("source", "\(history.name) was at \(text(commit.info)) then, by the dates that commits claim")
    switch commit.state {
    case .broken(let mistake): answer.note("source", "the job's manifest had mistakes there: \(mistake)")
    case .unclear(let mistake): answer.note("source", "which jobs there were could not be read: \(mistake)")
    case .present, .absent: break
    }
    guard let force = scene.force, let version = force.state.version else { return }
    if force != commit { answer.note("source", "the version of \(text(force.info)) stays in force") }
    if let problem = scene.problem { answer.note("problem", "its schedule cannot be worked out here: \(problem)") }
    if let origin = try past(force, older: true) { answer.note("version", "the job is so since \(text(origin.info))") }
    if let later = try past(force, older: false) {
      answer.note("version", "and was changed by \(text(later.info))\(changes(version, later.state))")
    }
  }

  private func past(_ commit: JobCommit, older: Bool) throws -> JobCommit? {
    let past = JobPast(job, history)
    return older
      ? try past.origin(of: commit) : try past.find(from: commit, older: false) { !$0.saysTheSame(as: commit.state) }
  }

  private func changes(_ version: DesiredJob, _ later: JobState) -> String {
    switch later {
    case .present(let other, _): return Self.differences(version, other)
    case .absent: return ", which removed it"
    case .broken: return ", which broke its manifest"
    case .unclear: return ", after which jobs could not be read"
    }
  }

  /// `: run.timeout: 5m → 30m, and 2 more`
  private static func differences(_ old: DesiredJob, _ new: DesiredJob) -> String {
    let lines = FieldDifference.between(old, new).map(\.line)
    guard !lines.isEmpty else { return "" }
    let more = lines.count > 3 ? ", and \(lines.count - 3) more" : ""
    return ": " + lines.prefix(3).joined(separator: ", ") + more
  }

  /// From which commits the records come, and whether those hold what the source held.
  func noteVersions(_ scene: Scene, _ answer: inout WhyAnswer) throws {
    var agents: [CommitID: [AgentName]] = [:]
    for row in answer.rows { agents[row.receipt.commit, default: []].append(row.receipt.agentName) }
    for (commit, names) in agents.sorted(by: { $0.key.text < $1.key.text }) {
      let who = names.count > 3 ? "\(names.count) agents" : names.map(\.text).joined(separator: ", ")
      answer.note("held", "\(who): \(try version(commit, scene))")
    }
  }

  private func version(_ id: CommitID, _ scene: Scene) throws -> String {
    guard let info = try history.commit(id), let loaded = try history.load(id) else {
      return "commit \(id.short), which is not in this clone"
    }
    guard let held = JobState(of: job, in: loaded).version else { return "\(text(info)), which does not hold the job" }
    guard let desired = scene.force?.state.version else { return text(info) }
    if held.bundle == desired.bundle { return "\(text(info)), the same version" }
    return "\(text(info)), another version than the source's then\(Self.differences(held, desired))"
  }

  // MARK: No occurrence, no job

  /// Nothing is due near the time.
  func explainNothingDue(_ scene: Scene, _ answer: inout WhyAnswer) throws {
    if answer.evidence.allSatisfy({ $0.label != "source" }) { try noteSource(scene, &answer) }
    guard let times = scene.times, let job = scene.force?.state.version?.job else {
      return try explainAbsence(scene, &answer)
    }
    answer.verdict = .notDue
    answer.due = nil
    answer.headline = "was not due at \(Humane.local(answer.asked, in: answer.zone))"
    if answer.asked > now { answer.headline = "is not due at \(Humane.local(answer.asked, in: answer.zone))" }
    answer.note("schedule", times.text)
    if let starts = job.starts, answer.asked < starts { answer.note("schedule", "nothing is due before \(starts)") }
    if let expires = job.expires, expires <= answer.asked {
      answer.note("schedule", "nothing is due from \(expires) on")
    }
    answer.previous = times.schedule.previous(before: answer.asked).map(times.due)
    answer.next = times.schedule.next(after: answer.asked).map(times.due)
    if let previous = answer.previous {
      answer.note("before", "\(previous.local)\(try outcome(previous))")
    }
    if let next = answer.next { answer.note("after", "\(next.local)\(try outcome(next))") }
  }

  private func outcome(_ due: Due) throws -> String {
    guard due.time <= now else { return ", \(Humane.relative(due.time, to: now))" }
    guard let receipts = try search?.occurrence(at: due.time).records.map(\.receipt), !receipts.isEmpty else {
      return ", without a record"
    }
    return ", which \(WhyAnswer.Verdict.sentence(receipts))"
  }

  /// The source held no version of the job.
  func explainAbsence(_ scene: Scene, _ answer: inout WhyAnswer) throws {
    if scene.force?.state.version != nil {
      answer.verdict = .noRecord
      answer.headline = "whether it was due cannot be worked out here"
      return
    }
    answer.verdict = .noJob
    answer.due = nil
    let what = scene.commit?.state.isKnown ?? true ? "there was no such job" : "no good version of it was in force"
    answer.headline = "did not run: \(what) at \(Humane.local(answer.asked, in: answer.zone))"
    if answer.asked > now { answer.headline = "will not run: there is no such job" }
    let past = JobPast(job, history)
    guard let here = try scene.force ?? scene.commit ?? oldest() else { return }
    if scene.commit != nil, let last = try past.find(from: here, older: true, where: { $0.version != nil }),
      let remover = try history.commit(last.index - 1)
    {
      answer.note("removed", "by \(text(remover))")
    }
    let added = here.state.version != nil ? here : try past.find(from: here, older: false) { $0.version != nil }
    if let added { answer.note("added", "by \(text(added.info)), later") }
  }

  /// The first commit of all.
  private func oldest() throws -> JobCommit? {
    var index = 0
    while try history.commit(index + 1) != nil { index += 1 }
    return try JobPast(job, history).at(index)
  }

  // MARK: No record

  /// What it can mean that nobody has recorded an occurrence that was due.
  func noteSilence(_ nominal: Timestamp, _ scene: Scene, _ answer: inout WhyAnswer) throws {
    guard let search, let job = scene.force?.state.version?.job else { return }
    let date = try history.commit(search.reader.commit)?.committer.time
    if let date, date < nominal {
      answer.note("perhaps", "this clone's results end before it, at \(date): 'git fetch' may bring the record")
    }
    let longest = job.run.timeout * job.retry.attempts
    if now - nominal < longest {
      answer.note(
        "perhaps",
        "it is still going: an attempt may take \(job.run.timeout.manifestText), and a record comes at its end")
    }
    if let info = scene.commit?.info, nominal - info.committer.time < .seconds(120) {
      answer.note(
        "perhaps", "the commit came too late: it is dated only \(Humane.span(nominal - info.committer.time)) before")
    }
    if let names = job.targets.agents { answer.note("targets", "agents \(names.map(\.text).joined(separator: ", "))") }
    if !job.targets.match.isEmpty {
      let labels = job.targets.match.sorted { $0.key < $1.key }.map {
        "\($0.key): \($0.value.joined(separator: " or "))"
      }
      answer.note("targets", "agents with \(labels.joined(separator: ", ")); if none had them, nobody was to run it")
    }
    if try search.reader.history(HistoryQuery(job: self.job, limit: 1)).receipts.isEmpty {
      answer.note("perhaps", "no agent has ever held the job: the branch has no record of it at all")
    }
  }

  /// Agents that hold the job, by their other records, and have none of this occurrence.
  func noteSilent(_ found: OccurrenceRecords, _ answer: inout WhyAnswer) throws {
    guard let search, let nominal = answer.due?.time, nominal <= now,
      [.noRecord, .ran, .failed, .skipped, .partly].contains(answer.verdict)
    else { return }
    if !found.isComplete {
      answer.note("search", "ended at a limit, so a record of several occurrences may be missing")
    }
    // Whoever has the job only since later had nothing to record.
    let silent = found.silent.filter { $0.before != nil }
    guard !silent.isEmpty else { return }
    let heard = try search.lastHeard()
    for agent in silent.prefix(10) {
      var words = "no record of it; its last one before is that of \(agent.before.map(\.description) ?? "")"
      if let after = agent.after { words += ", its next one that of \(after)" }
      switch heard[agent.agent] {
      case nil: words += "; not heard of lately"
      case let time? where time < nominal:
        words += "; last heard of at \(time): it may be down, or cannot reach its controller"
      case let time?: words += "; last heard of at \(time)"
      }
      answer.note(agent.name.text, words)
    }
    if silent.count > 10 { answer.note("agents", "and \(silent.count - 10) more without a record") }
  }
}
