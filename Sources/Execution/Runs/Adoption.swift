import Glibc

/// What is known of a run folder at one moment, read out for ``judge(_:)``.
public struct RunObservation: Hashable, Sendable {
  /// The pid of the living shim. While there is one, the records may still change.
  public var shim: Int32?
  /// There is a run folder.
  public var exists: Bool
  /// Its status file is whole, as the agent wrote it before it started a shim.
  public var isMade: Bool
  /// The machine has not been restarted since the folder was made.
  public var sameBoot: Bool
  public var started: Found<StartedRecord>
  public var exit: Found<ExitRecord>

  public init(
    shim: Int32? = nil, exists: Bool = true, isMade: Bool = true, sameBoot: Bool = true,
    started: Found<StartedRecord> = .absent,
    exit: Found<ExitRecord> = .absent
  ) {
    self.shim = shim
    self.exists = exists
    self.isMade = isMade
    self.sameBoot = sameBoot
    self.started = started
    self.exit = exit
  }
}

/// Where an attempt stands that somebody started earlier.
public enum RunStanding: Hashable, Sendable {
  /// Its shim lives, under this pid.
  case running(shim: Int32)
  case ended(AttemptEnd.Ending)
}

/// Where the attempt stands. Pure; first match wins.
public func judge(_ observation: RunObservation) -> RunStanding {
  if let shim = observation.shim { return .running(shim: shim) }
  if !observation.exists { return .ended(.lost(.noFolder)) }
  // That nothing has run holds only within one life of the machine: the same attempt may have been made ready again since, in
  // the same folder, and a loss of power have taken what was written of that.
  if let record = observation.exit.record, observation.sameBoot || AttemptEnd(.finished(record)).mayHaveRun {
    return .ended(.finished(record))
  }
  // Either no shim was started yet, or the power was cut and took what nobody had synced: only who knows whether the
  // machine was restarted since can tell the two apart.
  guard observation.isMade else { return .ended(.lost(.notMade)) }
  // Nobody runs a job before the first record says so, therefore none means certainly not run.
  // Only while the machine has not been restarted, though: a power cut may have taken the record and left the rest, or what
  // an earlier attempt wrote in its place.
  guard observation.sameBoot else { return .ended(.lost(.hostRestarted)) }
  if observation.exit == .damaged { return .ended(.lost(.damagedRecord)) }
  return .ended(.lost(observation.started == .absent ? .neverStarted : .shimDied))
}

extension RunFolder {
  /// Reads out the folder. When no shim is alive, first makes sure that none can come up later: a shim that was
  /// started but has not yet got as far as its lock finds its spec gone and runs nothing. From then on the answer is
  /// final.
  ///
  /// Throws `system` when the folder cannot be read for another reason than that it is gone.
  public func observe() throws(ExecutionError) -> RunObservation {
    do throws(ExecutionError) {
      return try observe(open())
    } catch {
      guard error.code == .missing else { throw error }
      return RunObservation(exists: access(path, F_OK) == 0, isMade: false)
    }
  }

  private func observe(_ folder: consuming Descriptor) throws(ExecutionError) -> RunObservation {
    let status = try folder.open(StatusFile.name, O_RDWR)
    while !status.takeLock() {
      let holder = try status.lockHolder()
      if let holder, holder > 0 { return RunObservation(shim: holder) }
      guard holder != 0 else { throw ExecutionError(.system, "the shim runs in another pid namespace") }
      // Freed in between, or held by another agent for a moment.
      sched_yield()
    }
    let bytes = try status.read(at: 0, limit: StatusFile.size, name: StatusFile.name)
    let made = StatusFile.made(in: bytes)
    // The folder was taken for this attempt, and what is in it is still that of an earlier one.
    let isOther = made.map { !$0.isOf(name) } ?? false
    let exit = isOther ? .absent : StatusFile.ended(in: bytes)
    // Not revoked, and not because it is already: a shim that is on its way would still run it.
    if exit.record == nil, renameat(folder.number, "spec", folder.number, "spec.revoked") != 0, errno != ENOENT {
      throw ExecutionError(errno: errno, "cannot revoke the spec in \(path)")
    }
    let started = isOther ? .absent : StatusFile.started(in: bytes)
    // What a shim has written to was whole when it was started.
    let isMade =
      !isOther && bytes.count == StatusFile.size && (made != nil || started != .absent || exit != .absent)
    return RunObservation(
      isMade: isMade, sameBoot: made?.bootID == StatusFile.currentBootID, started: started, exit: exit)
  }

  /// Finds out where an attempt stands that another process, perhaps one that is long gone, started. For a lost one
  /// whatever its dead shim left running is killed first.
  public func adopt() throws(ExecutionError) -> Adoption {
    while true {
      switch judge(try observe()) {
      case .running(let pid):
        // Gone again between the two looks: look once more.
        if let shim = try Shim(adopting: pid, in: self) { return .running(shim) }
      case .ended(let ending):
        if case .lost(let reason) = ending, reason.mayHaveRun { killLeftovers() }
        return .ended(AttemptEnd(ending))
      }
    }
  }
}

/// An attempt that was started earlier, taken over.
public enum Adoption: Sendable {
  case running(Shim)
  case ended(AttemptEnd)
}
