import Model
import Planning
import Wire

/// Bounds on what an agent may say of itself: it is data from a machine that may be hostile.
private enum ReportLimits {
  static let labels = 64
  static let text = 253
  static let addresses = 32
  static let jobs = 100_000
  /// Runs that are going at once.
  static let running = 20_000
  static let problems = 16
  /// Bytes of one of them.
  static let problem = 500
  static let position: Int64 = 1 << 53
}

extension AgentReport {
  /// Reads a heartbeat's state; throws a ``NameError`` in words for anything out of bounds or malformed.
  init(_ state: Belfry_V1_AgentState) throws(NameError) {
    guard state.labels.count <= ReportLimits.labels,
      state.labels.allSatisfy({ Self.isText($0.key) && Self.isText($0.value) })
    else {
      throw NameError("labels: at most \(ReportLimits.labels), each of at most \(ReportLimits.text) printable bytes")
    }
    guard state.addresses.count <= ReportLimits.addresses, state.addresses.allSatisfy(Self.isText) else {
      throw NameError("addresses: at most \(ReportLimits.addresses)")
    }
    guard state.held.count <= ReportLimits.jobs, state.running.count + state.queued.count <= ReportLimits.running
    else {
      throw NameError("more than \(ReportLimits.jobs) jobs or \(ReportLimits.running) runs")
    }
    // Room to count on: the next sequence is one higher.
    guard 0...ReportLimits.position ~= state.epoch, 0...ReportLimits.position ~= state.sequence else {
      throw NameError("a position out of range")
    }
    labels = state.labels
    addresses = state.addresses
    position = Position(epoch: state.epoch, sequence: state.sequence)
    expires = state.expires > 0 ? Timestamp(microseconds: state.expires) : nil
    held = [:]
    stopped = [:]
    for job in state.held {
      if !job.stopped.isEmpty {
        stopped[try JobName(job.job)] = AgentWords.safe(job.stopped, bytes: ReportLimits.problem)
      }
      held[try JobName(job.job)] = HeldJob(bundle: try Digest(hex: job.bundle), commit: try CommitID(job.commit))
    }
    running = []
    for run in state.running { running.append(try Running(run)) }
    for run in state.queued { queued.append(try Running(run)) }
    spooled = Int(state.spooled)
    problems = state.problems.prefix(ReportLimits.problems).map { AgentWords.safe($0, bytes: ReportLimits.problem) }
  }

  private static func isText(_ text: String) -> Bool {
    text.utf8.count <= ReportLimits.text && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
  }
}

extension AgentReport.Running {
  fileprivate init(_ run: Belfry_V1_RunningRun) throws(NameError) {
    self.init(
      run: try RunID(run.runID), job: try JobName(run.job), nominal: Timestamp(microseconds: run.nominal),
      started: Timestamp(microseconds: run.started), attempt: Int(run.attempt))
  }
}
