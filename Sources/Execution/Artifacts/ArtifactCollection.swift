import Glibc
import Model
import Trust

extension RunFolder {
  /// The folder that the job finds as `BELFRY_ARTIFACTS`.
  public var artifacts: String { path + "/artifacts" }

  /// Whether anything is to be sent back, or said about it. Looks at one folder.
  public func mayHaveArtifacts(patterns: [String]) -> Bool {
    if !patterns.isEmpty { return true }
    guard let folder = try? open() else { return false }
    if faccessat(folder.number, Self.taken, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return true }
    do throws(ExecutionError) {
      return try !folder.openBeneath("artifacts", O_RDONLY | O_DIRECTORY).entries(limit: 1).isEmpty
    } catch {
      return error.code != .missing
    }
  }

  /// Takes the files that an attempt which has ended wants to be sent back into the spool. Blocks for as long as hashing
  /// them takes. What cannot be taken is a problem in the result.
  ///
  /// It may be told again at any time, also in another life of the agent: then it gives the same. Files of the attempt's own
  /// folders are moved, out of anybody's reach, and those of a folder that is kept are copied. A file is hashed when nobody
  /// can write to it any more: it is root's, and no process has it open for writing. Where one has, it is copied.
  ///
  /// A task that is cancelled gets no further than the end of the present file, and no result: an agent that stops is not
  /// kept from it by gigabytes that the next one can hash as well.
  public func collectArtifacts(
    patterns: [String], into spool: ArtifactSpool
  ) throws(CancellationError) -> CollectedArtifacts {
    if Task.isCancelled { throw CancellationError() }
    var result = CollectedArtifacts()
    do throws(ExecutionError) {
      let sources = try sources(patterns)
      (result.problems, result.notes) = (sources.plan.problems, sources.plan.notes)
      let owner = sources.spec.user?.id ?? geteuid()
      for (number, entry) in sources.plan.entries.enumerated() where !Task.isCancelled {
        let isKept = entry.isInWorkFolder && sources.spec.keptFolder != nil
        var taking = ArtifactTaking(
          name: entry.name, number: number, owner: owner, mayMove: !isKept, isDoubtful: sources.isDoubtful,
          spool: spool)
        do throws(ExecutionError) {
          let file =
            try entry.isInWorkFolder
            ? taking.take(from: sources.work, to: sources.taken)
            : taking.take(from: sources.folder, to: sources.taken)
          try spool.add(String(number), in: sources.taken, file.digest, size: file.size, held: taking.passHeld())
          result.files.append(file)
        } catch {
          spool.release(taking.passHeld())
          result.problems.append("\(entry.name): \(error)")
        }
      }
    } catch {
      result.problems.append("\(error)")
    }
    if Task.isCancelled {
      spool.unpin(result.files.map(\.digest))
      throw CancellationError()
    }
    return result
  }

  /// How many bytes the files have that ``collectArtifacts(patterns:into:)`` will take, as far as can be told before; the
  /// plan is written down. What cannot be looked at counts nothing.
  public func sizeOfArtifacts(patterns: [String]) -> Int64 {
    guard let sources = try? sources(patterns) else { return 0 }
    var sum: Int64 = 0
    for (number, entry) in sources.plan.entries.enumerated() {
      let size =
        entry.isInWorkFolder
        ? ArtifactTaking.size(entry.name, number, from: sources.work, in: sources.taken)
        : ArtifactTaking.size(entry.name, number, from: sources.folder, in: sources.taken)
      sum = sum.addingReportingOverflow(max(0, size)).partialValue
    }
    return sum
  }

  /// Where the files come from and where they go; the plan is durable.
  private struct Sources: ~Copyable {
    let spec: ShimSpec
    let folder: Descriptor?
    let work: Descriptor?
    let taken: Descriptor
    let plan: ArtifactPlan
    /// The host has been restarted since they were written.
    let isDoubtful: Bool
  }

  private func sources(_ patterns: [String]) throws(ExecutionError) -> Sources {
    let run = try open()
    let spec = try readSpec(run)
    let folder = try? run.openBeneath("artifacts", O_RDONLY | O_DIRECTORY)
    let work = try? openWork(run, spec)
    let taken = try takenFolder(run)
    let plan = try plan(in: taken) {
      ArtifactPlan(folder: folder, work: work, patterns: patterns.compactMap { try? Glob($0) })
    }
    let status = try? run.open(StatusFile.name, O_RDONLY).readWhole(limit: StatusFile.size, name: StatusFile.name)
    let boot = status.flatMap { StatusFile.made(in: $0)?.bootID }
    return Sources(
      spec: spec, folder: folder, work: work, taken: taken, plan: plan,
      isDoubtful: boot != nil && boot != StatusFile.currentBootID)
  }

  /// Where files stand that were taken from the job's folders, by their number in the plan.
  private static let taken = "taken"
  private static let planName = "plan.json"

  private func readSpec(_ run: borrowing Descriptor) throws(ExecutionError) -> ShimSpec {
    do throws(ExecutionError) {
      return try ShimSpec(parsing: run.open("spec", O_RDONLY).readWhole(limit: ShimSpec.limit, name: "spec"))
    } catch {
      guard error.code == .missing else { throw error }
      return try ShimSpec(
        parsing: run.open("spec.revoked", O_RDONLY).readWhole(limit: ShimSpec.limit, name: "spec.revoked"))
    }
  }

  private func openWork(_ run: borrowing Descriptor, _ spec: ShimSpec) throws(ExecutionError) -> Descriptor {
    guard let kept = spec.keptFolder else { return try run.openBeneath("work", O_RDONLY | O_DIRECTORY) }
    return try Descriptor(open: kept, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).openBeneath("work", O_RDONLY | O_DIRECTORY)
  }

  private func takenFolder(_ run: borrowing Descriptor) throws(ExecutionError) -> Descriptor {
    guard mkdirat(run.number, Self.taken, 0o700) == 0 || errno == EEXIST else {
      throw ExecutionError(errno: errno, "cannot make the folder \(Self.taken)")
    }
    return try run.open(Self.taken, O_RDONLY | O_DIRECTORY)
  }

  /// The plan that stands in the folder, or a new one, durably.
  private func plan(
    in taken: borrowing Descriptor, _ make: () -> ArtifactPlan
  ) throws(ExecutionError) -> ArtifactPlan {
    do throws(ExecutionError) {
      let bytes = try taken.open(Self.planName, O_RDONLY).readWhole(limit: 1 << 20, name: Self.planName)
      do { return try ArtifactPlan(parsing: bytes) } catch {
        throw ExecutionError(.corrupted, "\(Self.planName): \(error)")
      }
    } catch {
      guard error.code == .missing else { throw error }
    }
    let plan = make()
    let new = "plan.new"
    unlinkat(taken.number, new, 0)
    let file = try taken.open(new, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    try file.write(plan.bytes, name: Self.planName)
    try file.sync(Self.planName)
    guard renameat(taken.number, new, taken.number, Self.planName) == 0 else {
      throw ExecutionError(errno: errno, "cannot write \(Self.planName)")
    }
    try taken.sync(Self.taken)
    return plan
  }
}
