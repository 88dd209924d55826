import Model

// How the limits of a job are held on this host. One that cannot be held is an error, for a limit that silently is none is
// worse than a run that does not start.

extension ShimLauncher {
  /// The attempt's cgroup; nil where there can be none and none is needed.
  func makeCgroup(for attempt: AttemptSpec) throws(ExecutionError) -> String? {
    let limits = attempt.program.limits
    switch cgroups {
    case .none(let why):
      if limits.memory != nil { throw Self.lacking("memory", why) }
      if limits.cpusThousandths != nil { throw Self.lacking("cpus", why) }
      return nil
    case .tree(let tree):
      do throws(ExecutionError) {
        return try tree.make(attempt.folderName, limits, hasInit: attempt.program.isolation == .full)
      } catch {
        // A host that has no room for one more (cgroup.max.descendants): as without any.
        guard error.code != .unsupported, limits.memory == nil, limits.cpusThousandths == nil, limits.processes == nil
        else { throw error }
        return nil
      }
    }
  }

  /// Where there is no `pids` controller, what `limits.processes` becomes: a bound on all processes of the job's user
  /// (RLIMIT_NPROC of setrlimit(2)), which is no looser. It does not hold for root, and for the agent's own user it would count
  /// what is none of the job's.
  func userProcesses(of attempt: AttemptSpec, as user: JobUser?) throws(ExecutionError) -> Int? {
    guard let most = attempt.program.limits.processes else { return nil }
    let why: String
    switch cgroups {
    case .tree(let tree) where tree.controllers.contains(.pids): return nil
    case .tree: why = "the agent has no 'pids' controller of cgroup v2"
    case .none(let words): why = words
    }
    if let user, user.id != 0 { return most }
    throw ExecutionError(
      .unsupported,
      "limits.processes cannot be held on this host for a job of root or of the agent's own user: \(why)")
  }

  private static func lacking(_ limit: String, _ why: String) -> ExecutionError {
    ExecutionError(.unsupported, "limits.\(limit) cannot be held on this host: \(why)")
  }
}
