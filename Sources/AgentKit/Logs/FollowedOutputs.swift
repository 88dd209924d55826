import Execution
import Model
import Synchronization

/// The outputs of runs that somebody follows. When an attempt has ended its folder goes, and with it the rest that was not
/// read yet; so the records of followed runs are opened before.
final class FollowedOutputs: Sendable {
  /// An open record, shared.
  final class Source: Sendable {
    let record: OutputRecord
    init(_ record: consuming OutputRecord) { self.record = record }
  }

  private struct State {
    /// How many follow a run.
    var followers: [RunID: Int] = [:]
    var kept: [AttemptID: Source] = [:]
  }

  private let state = Mutex(State())
  private let folder: @Sendable (AttemptID) -> RunFolder

  init(folder: @escaping @Sendable (AttemptID) -> RunFolder) { self.folder = folder }

  func follow(_ run: RunID) { state.withLock { $0.followers[run, default: 0] += 1 } }

  func unfollow(_ run: RunID) {
    state.withLock { state in
      guard let count = state.followers[run] else { return }
      state.followers[run] = count > 1 ? count - 1 : nil
      if count == 1 { state.kept = state.kept.filter { $0.key.run != run } }
    }
  }

  /// The attempt's folder is about to go. Whether somebody may go on reading the record.
  func keep(_ attempt: AttemptID) -> Bool {
    guard state.withLock({ $0.followers[attempt.run] != nil }) else { return false }
    guard let source = open(attempt) else { return true }
    state.withLock { state in
      if state.followers[attempt.run] != nil { state.kept[attempt] = source }
    }
    return true
  }

  /// What the attempt has written so far; nil when that is nothing, or gone.
  func source(of attempt: AttemptID) -> Source? { state.withLock { $0.kept[attempt] } ?? open(attempt) }

  private func open(_ attempt: AttemptID) -> Source? {
    guard let record = try? folder(attempt).outputRecord() else { return nil }
    return Source(record)
  }
}
