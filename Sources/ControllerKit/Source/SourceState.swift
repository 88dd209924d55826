import Model
import Planning
import Platform

/// What the source asks for, as last known, with how well it is known. Written by ``SourceService`` only.
actor SourceState {
  /// The commit that was loaded last; nil before the first.
  private(set) var commit: CommitID?
  private(set) var desired = DesiredState(jobs: [:], source: .unknown(reason: "the source has not been read yet"))
  private(set) var diagnostics: [Diagnostic] = []
  /// When the source was last looked at with success.
  private(set) var checked: Timestamp?
  /// What is wrong with each job whose manifest has mistakes.
  private(set) var mistakes: [JobName: [Diagnostic]] = [:]
  private let changed: Signal

  init(changed: Signal) { self.changed = changed }

  func loaded(
    _ desired: DesiredState, commit: CommitID, diagnostics: [Diagnostic], mistakes: [JobName: [Diagnostic]],
    at now: Timestamp
  ) {
    self.desired = desired
    self.commit = commit
    self.diagnostics = diagnostics
    self.mistakes = mistakes
    checked = now
    changed.raise()
  }

  /// The source was looked at and has not changed.
  func unchanged(_ status: SourceStatus, at now: Timestamp) {
    checked = now
    guard desired.source != status else { return }
    desired.source = status
    changed.raise()
  }

  /// What is desired is not known now; what was desired stays.
  func lost(_ reason: String) {
    guard desired.source != .unknown(reason: reason) else { return }
    desired.source = .unknown(reason: reason)
    changed.raise()
  }
}
