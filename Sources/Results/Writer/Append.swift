import Git
public import Model
public import Trust

extension ResultsWriter {
  /// What became of a batch.
  public struct AppendOutcome: Hashable, Sendable {
    /// Nil when the branch had everything already.
    public var commit: CommitID?
    /// Runs whose receipts are new. To be acknowledged after the push that follows.
    public var added: [RunID] = []
    /// Runs whose receipts were on the branch already; that push reports them too.
    public var present: [RunID] = []
    /// Receipts that are not written. Delivering them again is pointless.
    public var refused: [RefusedReceipt] = []
    /// Agents that have another key on the branch than the one given; that one stays.
    public var refusedKeys: [AgentID] = []
    /// Logs that are not the signed ones, in words.
    public var problems: [String] = []
  }

  /// Commits a batch of receipts here, in one commit and one pack. Nothing is safe before ``push()`` says so.
  ///
  /// `newAgentKeys` and `newAgentNames` are written where the branch has none for the agent yet. `overview` is rendered when it is due.
  /// Throws `notClaimed`, `fenced`, or `git`, and has then changed nothing.
  public func append(
    _ deliveries: [ReceiptDelivery], newAgentKeys: [AgentID: PublicKey] = [:],
    newAgentNames: [AgentID: AgentName] = [:], overview: Overview? = nil, now: Timestamp
  ) throws(ResultsError) -> AppendOutcome {
    let epoch = try requireEpoch()
    let batch = BranchState.Batch(
      deliveries: deliveries, newAgentKeys: newAgentKeys, newAgentNames: newAgentNames, overview: overview, now: now)
    return try changingState { () throws(ResultsError) in try write(batch, epoch) }
  }

  func requireEpoch() throws(ResultsError) -> Int64 {
    if let fencedBy { throw Self.fenced(fencedBy) }
    guard let epoch else { throw ResultsError(.notClaimed, "no epoch of the results branch has been claimed yet") }
    return epoch
  }

  static func fenced(_ other: Trailers) -> ResultsError {
    ResultsError(
      .fenced, "'\(TerminalText.neutralised(other.writer))' writes the results branch now, with epoch \(other.epoch)")
  }

  /// Commits the batch on our head and remembers it as pending.
  func write(_ batch: BranchState.Batch, _ epoch: Int64) throws(ResultsError) -> AppendOutcome {
    let tree = state.head.map { BranchTree(repository: repository, commit: $0) }
    let prepared = try overGit { () throws(GitError) in try prepare(batch, in: tree) }
    var outcome = prepared.outcome
    if !prepared.edits.isEmpty {
      let receipts = prepared.plan.added.map(\.receipt)
      let message = CommitMessage.results(receipts, trailers: trailers(epoch))
      outcome.commit = try commit(prepared.edits, on: state.head, message: message, now: batch.now)
      state.head = outcome.commit
    }
    state.pages = prepared.pages
    state.pins.merge(prepared.newKeys) { old, _ in old }
    state.keysOnBranch.merge(prepared.newKeys) { old, _ in old }
    state.names.merge(prepared.newNames) { old, _ in old }
    state.missingNames = []
    let runs = Set(outcome.added).union(outcome.present)
    if !runs.isEmpty || outcome.commit != nil {
      state.pending.append(BranchState.Pending(batch: batch, commit: outcome.commit, runs: runs))
    }
    return outcome
  }

  /// Writes batches again, in the same order, on another tip.
  func rewrite(_ batches: [BranchState.Batch], _ epoch: Int64) throws(ResultsError) -> [RefusedReceipt] {
    var refused: [RefusedReceipt] = []
    for batch in batches { refused += try write(batch, epoch).refused }
    return refused
  }

  private struct Prepared {
    var plan: BatchPlan
    var edits: [BatchPlan.Edit]
    var outcome: AppendOutcome
    var pages: PageCache
    var newKeys: [AgentID: PublicKey]
    var newNames: [AgentID: [AgentName]]
  }

  /// All that the batch changes, without changing anything.
  private func prepare(_ batch: BranchState.Batch, in tree: BranchTree?) throws(GitError) -> Prepared {
    var records: [JobName: JobRecord] = [:]
    let incoming = batch.deliveries.map {
      BatchPlan.Incoming(
        receipt: $0.signed.value, line: $0.signed.line, signatureLine: $0.signed.signatureLine, logs: $0.logs)
    }
    let plan = try BatchPlan(incoming) { file throws(GitError) in
      guard let tree else { return [] }
      let record = try self.record(of: file.job, records, in: tree)
      records[file.job] = record
      // Most receipts are of a new time. That there is no file for it is known without a look.
      guard let newest = record.newestFile, file.nominal <= newest else { return [] }
      return try tree.parts(file)
    }
    var outcome = AppendOutcome(
      added: plan.added.map(\.receipt.run), present: plan.present.sorted(), refused: plan.refused,
      problems: plan.problems)
    var edits = plan.edits
    for edit in plan.logsOfPresent where try tree?.file(edit.path, limit: ReceiptDelivery.logLimit) != edit.bytes {
      edits.append(edit)
    }
    let newKeys = keyEdits(batch.newAgentKeys, &edits, &outcome)
    let newNames = nameEdits(batch.newAgentNames, &edits)
    if tree == nil { edits += firstFiles }
    let changed = add(plan.added, to: records, &edits)
    var pages = state.pages
    var overviewAt: Timestamp?
    if let overview = batch.overview, !edits.isEmpty, pages.isOverviewDue(batch.now) {
      overviewAt = batch.now
      let summaries = try pages.summaries(for: overview, changed, in: tree)
      edits.removeAll { $0.path == ResultsLayout.overview }
      edits.append(
        BatchPlan.Edit(
          path: ResultsLayout.overview,
          bytes: OverviewPage.render(overview, summaries: summaries, source: identity.source, now: batch.now)))
    }
    pages.keep(changed, overviewAt: overviewAt)
    return Prepared(plan: plan, edits: edits, outcome: outcome, pages: pages, newKeys: newKeys, newNames: newNames)
  }

  /// The pages of the jobs that have something new.
  private func add(
    _ added: [BatchPlan.Added], to records: [JobName: JobRecord], _ edits: inout [BatchPlan.Edit]
  ) -> [JobName: JobRecord] {
    var changed: [JobName: JobRecord] = [:]
    for (job, group) in Dictionary(grouping: added, by: \.receipt.occurrence.job) {
      var record = records[job] ?? JobRecord(job)
      for added in group { record.add(added.receipt, ownsPlainLogs: added.ownsPlainLogs) }
      changed[job] = record
      edits.append(BatchPlan.Edit(path: ResultsLayout.jobPage(job), bytes: JobPage.render(record)))
    }
    return changed
  }

  /// Keys that the branch lacks: those given, and those that it held when somebody took them away by rewriting it.
  private func keyEdits(
    _ given: [AgentID: PublicKey], _ edits: inout [BatchPlan.Edit], _ outcome: inout AppendOutcome
  ) -> [AgentID: PublicKey] {
    var new = state.missingKeys
    for (agent, key) in given {
      if let known = state.pins[agent] {
        if known != key { outcome.refusedKeys.append(agent) }
      } else {
        new[agent] = key
      }
    }
    outcome.refusedKeys.sort()
    edits += new.map { BatchPlan.Edit(path: ResultsLayout.agentKey($0.key), bytes: Array($0.value.pem.utf8)) }
    return new
  }

  /// Names that the branch lacks: those given, and those that it lost when somebody rewrote it.
  private func nameEdits(
    _ given: [AgentID: AgentName], _ edits: inout [BatchPlan.Edit]
  ) -> [AgentID: [AgentName]] {
    var new = state.names.filter { state.missingNames.contains($0.key) }
    for (agent, name) in given where state.names[agent] == nil { new[agent] = [name] }
    edits += new.map {
      BatchPlan.Edit(path: ResultsLayout.agentNames($0.key), bytes: AgentNamesFile.write($0.value))
    }
    return new
  }

  private func record(
    of job: JobName, _ inUse: [JobName: JobRecord], in tree: BranchTree
  ) throws(GitError) -> JobRecord {
    if let known = inUse[job] ?? state.pages.records[job] { return known }
    var read = 0
    return try tree.record(of: job, read: &read)
  }
}
