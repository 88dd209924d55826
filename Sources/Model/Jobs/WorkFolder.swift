extension RunSpec {
  /// `run.workdir`: the folder that an attempt finds itself in.
  public enum WorkFolder: String, Hashable, Sendable, CaseIterable {
    /// Empty, for this attempt alone, removed afterwards.
    case fresh
    /// One for each job and agent, with what the runs before have left in it. Never two runs' at once, so it does not go
    /// with `overlap: allow`.
    case keep
  }
}

extension Job {
  /// Why the job's folder could be two runs' at once; nil when it cannot.
  public var workFolderProblem: String? {
    guard run.workFolder == .keep, overlap == .allow else { return nil }
    return "a folder that is kept is one run's at a time, and 'overlap: allow' lets several go at once"
  }
}
