import ControllerKit
import Git
import Model
import Planning
import Results
import Schedule

/// Finds out what became of an occurrence, from the source's history and the results branch alone.
struct WhyInquiry {
  let job: JobName
  let history: SourceHistory
  /// Nil when this clone has no results branch.
  let search: RecordSearch?
  let now: Timestamp
  private let past: JobPast

  /// How far from the time that is asked for an occurrence is still taken for the one that is meant.
  static let tolerance = Duration.seconds(900)

  init(job: JobName, history: SourceHistory, reader: ResultsReader?, now: Timestamp) {
    self.job = job
    self.history = history
    self.now = now
    search = reader.map { RecordSearch(reader: $0, job: job) }
    past = JobPast(job, history)
  }

  /// What the source said at one time.
  struct Scene {
    /// What the branch held; nil before its first commit.
    var commit: JobCommit?
    /// The version that was in force: of that commit, or the last good one before.
    var force: JobCommit?
    /// The schedule of that version.
    var times: DueTimes?
    /// Why there is no schedule although there is a version.
    var problem: String?
  }

  /// Throws a ``CommandError`` for a job of which neither branch has ever heard.
  func answer(_ argument: MomentArgument) throws -> WhyAnswer {
    let zone = try zone()
    let moment = argument.resolve(in: zone, now: now)
    let asked = try scene(at: moment.instant)
    let nominal = try nearest(to: moment.instant, asked)
    let scene = nominal == nil || nominal == moment.instant ? asked : try self.scene(at: nominal ?? moment.instant)
    var answer = WhyAnswer(
      job: job, asked: moment.instant, zone: zone, verdict: .notDue, headline: "",
      commit: scene.commit?.info.id, results: search?.reader.commit)
    let isOther = nominal.map { $0 != moment.instant } ?? false
    if isOther || moment.note != nil {
      let meant = isOther ? "; the nearest occurrence is meant" : ""
      answer.note("asked", "\(Humane.local(moment.instant, in: zone))\(moment.note.map { ": \($0)" } ?? "")\(meant)")
    }
    if let nominal {
      try explain(nominal, scene, &answer)
    } else {
      try explainNothingDue(scene, &answer)
    }
    if history.isSearchCut {
      let extent = "\(SourceHistory.searchLimit) commits or \(JobPast.loadLimit) that may have changed the job"
      answer.note("search", "ended in \(history.name) after \(extent): what lies beyond is not considered")
    }
    if let search {
      let date = try history.commit(search.reader.commit)?.committer.time
      answer.note(
        "results", "commit \(search.reader.commit.short)\(date.map { " of \($0)" } ?? "") of the results branch")
    } else {
      answer.note("results", "this clone has no results branch: 'git fetch' brings it from a remote")
    }
    return answer
  }

  /// The zone of the newest version that is known.
  private func zone() throws -> TimeZoneRules {
    guard let tip = try past.at(0) else { return .utc }
    if let version = try version(tip) ?? nil { return (try? DueTimes(version.job, zones: history.zones).zone) ?? .utc }
    if let search, try search.reader.jobs().contains(job) { return .utc }
    let loaded = try history.load(0)
    let near = Suggestion.nearest(to: job.text, among: loaded?.jobs.map(\.job.name.text) ?? [])
    let hint = near.map { "did you mean '\($0)'?" } ?? "'belfry next' lists all jobs of the working tree"
    throw CommandError(.bad, "there is no job '\(job)' in the history of \(history.name)", hint: hint)
  }

  private func version(_ tip: JobCommit) throws -> DesiredJob? {
    if let version = tip.state.version { return version }
    return try past.find(from: tip, older: true) { $0.version != nil }?.state.version
  }

  private func scene(at time: Timestamp) throws -> Scene {
    guard let index = try history.index(at: time), let commit = try past.at(index) else { return Scene() }
    var scene = Scene(commit: commit)
    // While a manifest cannot be read, what was there before stays in force.
    scene.force = commit.state.isKnown ? commit : try past.find(from: commit, older: true) { $0.isKnown }
    guard let version = scene.force?.state.version else { return scene }
    do {
      scene.times = try DueTimes(version.job, zones: history.zones)
    } catch {
      scene.problem = "\(error)"
    }
    return scene
  }

  /// The nominal time of the occurrence that is meant; nil when none is near.
  private func nearest(to instant: Timestamp, _ scene: Scene) throws -> Timestamp? {
    if scene.times?.isDue(at: instant) == true { return instant }
    var candidates: [Timestamp] = []
    if let schedule = scene.times?.schedule {
      candidates = [schedule.previous(before: instant), schedule.next(after: instant)].compactMap(\.self)
        .filter { Self.distance($0, instant) <= Self.tolerance }
    }
    // What an agent has recorded counts as well, such as a run that a person asked for or one that started late.
    if let search { candidates += try search.nominals(near: instant, within: Self.tolerance) }
    return candidates.min { a, b in
      let (left, right) = (Self.distance(a, instant), Self.distance(b, instant))
      return left == right ? a < b : left < right
    }
  }

  private static func distance(_ a: Timestamp, _ b: Timestamp) -> Duration { a < b ? b - a : a - b }

  // MARK: An occurrence

  private func explain(_ nominal: Timestamp, _ scene: Scene, _ answer: inout WhyAnswer) throws {
    let due = scene.times?.due(nominal) ?? Due(time: nominal, start: nominal, zone: answer.zone, trigger: "")
    answer.due = due
    let isDue = scene.times?.isDue(at: nominal) ?? false
    if isDue { answer.note("due", Self.text(due)) }
    let found = try search?.occurrence(at: nominal) ?? OccurrenceRecords()
    answer.rows = try found.records.map { try row($0, scene) }
    try noteSource(scene, &answer)
    try noteVersions(scene, &answer)
    if let verdict = WhyAnswer.Verdict(answer.rows.map(\.receipt)) {
      answer.verdict = verdict
      answer.headline = WhyAnswer.Verdict.sentence(answer.rows.map(\.receipt))
    } else if nominal > now {
      explainFuture(nominal, scene, &answer)
    } else {
      try explainSilence(nominal, scene, isDue: isDue, &answer)
    }
    for row in answer.rows.prefix(Self.shownPlaces) {
      answer.note("record", row.place + Self.folded(row.receipt, nominal))
    }
    if answer.rows.count > Self.shownPlaces {
      answer.note("record", "and \(answer.rows.count - Self.shownPlaces) more, all in --format json")
    }
    try noteSilent(found, &answer)
    for problem in found.problems.prefix(3) { answer.note("problem", problem.description) }
  }

  private static let shownPlaces = 5

  private static func text(_ due: Due) -> String {
    var parts = [due.local + (due.zone == .utc ? "" : " (\(due.time))"), "by \(due.trigger)"]
    if due.jitter > .zero { parts.append("each agent up to \(due.jitter.manifestText) later") }
    if let note = due.clockNote { parts.append(note) }
    return parts.joined(separator: ", ")
  }

  private static func folded(_ receipt: Receipt, _ nominal: Timestamp) -> String {
    guard receipt.count > 1, let first = receipt.firstNominal else { return "" }
    return ", one record of \(receipt.count) occurrences from \(first) to \(receipt.occurrence.nominal)"
  }

  private func row(_ stored: StoredReceipt, _ scene: Scene) throws -> WhyAnswer.Row {
    let receipt = stored.receipt
    var due = receipt.occurrence.nominal
    if receipt.isScheduled, let job = scene.force?.state.version?.job,
      let schedule = try? DueTimes(job, agent: receipt.agent, zones: history.zones).schedule,
      let start = Self.start(of: due, in: schedule, jitter: job.triggers.map(\.jitter).max() ?? .zero)
    {
      due = start
    }
    return WhyAnswer.Row(
      stored: stored, due: due, place: "\(ResultsLayout.receipts(stored.file)):\(stored.line)")
  }

  /// When the occurrence starts on the agent that the schedule was made for.
  private static func start(of nominal: Timestamp, in schedule: JobSchedule, jitter: Duration) -> Timestamp? {
    var at = nominal - .microseconds(1)
    // Between the nominal time and its start other occurrences may start, when triggers have different jitter.
    for _ in 0..<1_000 {
      guard let due = schedule.nextDue(after: at), due.due <= nominal + jitter else { return nil }
      if due.nominal == nominal { return due.due }
      at = due.due
    }
    return nil
  }

  private func explainFuture(_ nominal: Timestamp, _ scene: Scene, _ answer: inout WhyAnswer) {
    answer.verdict = .future
    answer.headline = "is yet to come, \(Humane.relative(nominal, to: now))"
    if let pause = pause(at: nominal, scene) {
      answer.headline = "is yet to come, \(Humane.relative(nominal, to: now)), and as things are it will not run"
      answer.note("but", pause.words)
    }
  }

  private struct Pause {
    var verdict: WhyAnswer.Verdict
    var words: String
  }

  /// What keeps the job from firing at that time.
  private func pause(at time: Timestamp, _ scene: Scene) -> Pause? {
    if let suspension = scene.force?.state.version?.job.suspension, suspension.isInForce(at: time) {
      let until = suspension.until.map { " until \($0)" } ?? ""
      let reason = suspension.reason.map { ": \($0)" } ?? ""
      return Pause(verdict: .suspended, words: "the manifest suspends the job\(until)\(reason)")
    }
    if let blackout = scene.times?.schedule.blackout(at: time) {
      return Pause(verdict: .blackout, words: "blackout \(blackout.calendar) is in force until \(blackout.end)")
    }
    return nil
  }

  /// It is past, and no agent has recorded it.
  private func explainSilence(_ nominal: Timestamp, _ scene: Scene, isDue: Bool, _ answer: inout WhyAnswer) throws {
    if scene.force?.state.version == nil { return try explainAbsence(scene, &answer) }
    guard isDue else { return try explainNothingDue(scene, &answer) }
    if let pause = pause(at: nominal, scene) {
      answer.verdict = pause.verdict
      answer.headline = "did not run: \(pause.words)"
      answer.note("record", "there is none yet: one for all that it kept from running comes when it ends")
      return
    }
    answer.verdict = .noRecord
    answer.headline = "there is no record of it"
    try noteSilence(nominal, scene, &answer)
  }
}
