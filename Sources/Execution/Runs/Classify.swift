public import Model

/// What an attempt's end means; `success` are the exit codes that mean success, `given` what `run.write` lists, `program` what a
/// reason calls the program. First match wins.
public func classify(
  _ end: AttemptEnd, success: [Int], given: [String] = [], program: String = "its program"
) -> Judgement {
  let record: ExitRecord
  switch end.ending {
  case .lost(let reason): return Judgement(state: .lost, reason: reason.words)
  case .finished(let finished): record = finished
  }
  var notes = notes(on: record)
  if record.ending != .signalled(9) { notes += memoryNotes(on: record) }
  func judge(_ state: RunState, _ reason: String?) -> Judgement {
    let words = ([reason].compactMap { $0 } + notes).joined(separator: "; ")
    var judgement = Judgement(state: state, reason: words.isEmpty ? nil : words)
    if case .exited(let code) = record.ending { judgement.exitCode = code }
    if case .signalled(let signal) = record.ending { judgement.signal = signal }
    return judgement
  }

  if !end.changedFiles.isEmpty {
    // What ran is then not certainly what was hashed and signed, whatever came of it.
    return judge(.failed, "files of the bundle were changed while it ran: \(end.changedFiles.joined(separator: ", "))")
  }
  if record.cancelled {
    if case .neverBegan = record.ending { return judge(.cancelled, "cancelled before it started") }
    return judge(.cancelled, "cancelled")
  }
  if record.disarmed {
    return judge(.cancelled, "it was not started: it was disarmed, the clock was set, or its instant had passed")
  }
  if record.diskExceeded { return judge(.failed, "it wrote more than its limits.disk") }
  if record.timedOut { return judge(.timedOut, "its timeout expired") }
  switch record.ending {
  case .neverBegan(let step, let error):
    let words = step == .exec ? "\(program) cannot be executed" : step.words(record.path(of: given))
    return judge(.failed, "could not start: \(words): \(systemMessage(error))")
  case .unknown: return judge(.failed, nil)
  case .signalled(9) where record.outOfMemory: return judge(.failed, "out of memory: it reached its limits.memory")
  case .signalled(9) where record.hostOutOfMemory:
    return judge(.failed, "the host ran out of memory, and it was killed")
  case .signalled(25): return judge(.failed, "ended by signal 25 (XFSZ): a file of it reached its limits.disk")
  case .signalled(let signal): return judge(.failed, "ended by signal \(signal)\(signalName(signal))")
  case .exited(let code):
    return success.contains(code) ? judge(.succeeded, nil) : judge(.failed, "exit code \(code)")
  }
}

private func notes(on record: ExitRecord) -> [String] {
  var notes: [String] = []
  if record.unkillable { notes.append("processes of it could not be killed") }
  if record.leftBehind > 0 {
    notes.append(
      "\(record.leftBehind) process\(record.leftBehind == 1 ? "" : "es") that it left behind had to be ended")
  }
  // A program may ignore the signal and pass over the error. Where that was its end, or more than that is over, it says so itself.
  if record.fileLimitReached, !record.diskExceeded, record.ending != .signalled(25) {
    notes.append("a file of it reached its limits.disk, which cuts off what is written behind")
  }
  if record.givenBackUnmasked { notes.append("outputs: left out, because they could not be cleaned of secrets") }
  if record.outputFailed { notes.append("its output could not be written to disk in full") }
  if let error = record.syncError { notes.append("its record could not be made durable: \(systemMessage(error))") }
  return notes
}

/// Where the killing is not the end itself.
private func memoryNotes(on record: ExitRecord) -> [String] {
  if record.outOfMemory { return ["processes of it were killed because it reached its limits.memory"] }
  return record.hostOutOfMemory ? ["processes of it were killed because the host ran out of memory"] : []
}

/// ` (KILL)` and the like, for the signals that end jobs; empty for others.
private func signalName(_ signal: Int) -> String {
  let names = [
    1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1",
    11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 24: "XCPU", 25: "XFSZ", 31: "SYS",
  ]
  return names[signal].map { " (\($0))" } ?? ""
}

extension ExitRecord {
  /// The path that could not be given; nil when it was something else that failed.
  fileprivate func path(of given: [String]) -> String? {
    failedPath.flatMap { given.indices.contains($0 - 1) ? given[$0 - 1] : nil }
  }
}

extension ExitRecord.Step {
  /// `path` is what could not be given.
  func words(_ path: String? = nil) -> String {
    switch self {
    case .none: "nothing was tried"
    case .spec: "the shim refused its spec"
    case .workFolder: "the working folder cannot be entered"
    case .prepare: "the shim could not prepare it"
    case .fork: "no new process"
    case .child: "the new process could not be set up"
    case .exec: "its program cannot be executed"
    case .user: "it could not become the job's user"
    case .secrets: "its secrets could not be taken over"
    case .limits: "its limits could not be set (run.limits of the manifest)"
    case .cgroup: "it could not be put into its cgroup"
    case .mounts: "its own view of the host's files could not be made (run.isolate of the manifest)"
    case .writable: "\(path ?? "what it may write") cannot be given to it (run.write of the manifest)"
    case .isolation: "it could not be isolated (run.isolate of the manifest)"
    }
  }
}

extension AttemptEnd {
  /// The attempt as it stands in a receipt. `output` is what was kept; `started` and `now` stand in where there is no
  /// exit record.
  public func attempt(
    number: Int, success: [Int], given: [String] = [], program: String = "its program", output: KeptOutput,
    values: OutputValues = OutputValues(),
    artifacts: CollectedArtifacts = CollectedArtifacts(), started: Timestamp, now: Timestamp
  ) -> Receipt.Attempt {
    let judgement = classify(self, success: success, given: given, program: program)
    var record: ExitRecord?
    if case .finished(let finished) = ending { record = finished }
    var attempt = Receipt.Attempt(
      number: number, started: record?.started ?? started, ended: record?.ended ?? max(started, now),
      state: judgement.state, exitCode: judgement.exitCode, signal: judgement.signal,
      outOfMemory: record.map { $0.outOfMemory || $0.hostOutOfMemory } ?? false, reason: judgement.reason,
      log: output.log, resources: record?.resources ?? Receipt.Resources())
    attempt.outputs = values.values
    attempt.artifacts = artifacts.files
    // What was to be sent back and is not is missed by whoever relies on it.
    if attempt.state == .succeeded, !artifacts.problems.isEmpty { attempt.state = .failed }
    let parts = [
      attempt.reason, Self.words("outputs", values.problems),
      Self.words("artifacts", artifacts.problems + artifacts.notes),
    ].compactMap { $0 }
    attempt.reason = parts.isEmpty ? nil : parts.joined(separator: "; ")
    return attempt
  }

  /// The first few of them, for a reason.
  private static func words(_ what: String, _ list: [String]) -> String? {
    guard !list.isEmpty else { return nil }
    let more = list.count > 4 ? ", and \(list.count - 4) more" : ""
    return "\(what): \(list.prefix(4).joined(separator: ", "))\(more)"
  }
}
