public import Model
public import Schedule

/// A job as the firing machine holds it.
public struct FiringJob: Sendable {
  public var job: Job
  public var bundle: Digest
  public var commit: CommitID
  /// How long it may go on firing without hearing from a controller.
  public var lease: Duration
  /// The job's triggers, compiled.
  public var schedule: JobSchedule

  public init(job: Job, bundle: Digest, commit: CommitID, lease: Duration, schedule: JobSchedule) {
    self.job = job
    self.bundle = bundle
    self.commit = commit
    self.lease = lease
    self.schedule = schedule
  }
}
