import ControllerKit
import Git
import Model
import Planning

/// What a controller would do to its fleet once a commit stands at the tip of its source branch.
struct FleetPlan {
  var plan: Plan
  /// Versions of jobs that are known here, by bundle.
  private var versions: [Digest: DesiredJob] = [:]
  var report: ValidationReport

  /// Commits of which versions are read, so that differences can be shown; a fleet rarely holds more.
  private static let commitLimit = 50

  /// `source` must name the source as the controller does, else no bundle is the same as the fleet's.
  init(_ snapshot: FleetSnapshot, revision: CommitID, in source: SourceFolder, now: Timestamp) throws {
    let loaded = try source.load(revision)
    report = ValidationReport(loaded)
    for job in loaded.jobs { versions[job.bundle] = job }
    for commit in snapshot.commits.sorted(by: { $0.text < $1.text }).prefix(Self.commitLimit) where commit != revision {
      // A commit that was never fetched into this clone only costs the list of differences.
      guard let older = try? source.load(commit) else { continue }
      for job in older.jobs where versions[job.bundle] == nil { versions[job.bundle] = job }
    }
    let desired = Self.desired(loaded, snapshot, versions)
    plan = Planning.plan(PlanSnapshot(desired: desired, agents: snapshot.agents, terms: snapshot.terms), now: now)
  }

  /// Broken jobs stay in the version that the controller has in force. Where that version is not known here, nothing is
  /// removed, so that it stays too.
  private static func desired(
    _ loaded: LoadedSource, _ snapshot: FleetSnapshot, _ versions: [Digest: DesiredJob]
  ) -> DesiredState {
    var state = loaded.desired()
    for name in loaded.broken.sorted() where state.jobs[name] == nil {
      guard let present = snapshot.jobs[name] else { continue }
      if var version = versions[present.bundle] {
        version.commit = present.commit
        state.jobs[name] = version
      } else if case .known = state.source {
        state.source = .incomplete(reason: "the last good version of \(name) is not in this clone")
      }
    }
    return state
  }

  var text: String {
    plan.lines(version: { versions[$0] }).map { TerminalText.neutralised($0) + "\n" }.joined()
  }

  var json: JSONValue { ["plan": plan.json, "validation": report.json] }
}
