public import Model

/// How one job differs between two revisions of the source, whatever agents there are.
public struct JobChange: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case remove(Digest)
    case change(from: Digest, to: Digest, [FieldDifference])
    case add(Digest)
  }

  public var job: JobName
  public var kind: Kind

  public init(job: JobName, kind: Kind) {
    self.job = job
    self.kind = kind
  }

  /// What a controller would set out to do on going from one state to the other: removals, changes, additions, each by
  /// name. Where the newer state is not completely known nothing is removed; where it is unknown nothing changes.
  public static func between(_ old: DesiredState, _ new: DesiredState) -> [JobChange] {
    if case .unknown = new.source { return [] }
    var removed: [JobChange] = []
    var changed: [JobChange] = []
    var added: [JobChange] = []
    for (name, before) in old.jobs {
      if let after = new.jobs[name] {
        guard before.bundle != after.bundle else { continue }
        let differences = FieldDifference.between(before, after)
        changed.append(JobChange(job: name, kind: .change(from: before.bundle, to: after.bundle, differences)))
      } else if new.source == .known {
        removed.append(JobChange(job: name, kind: .remove(before.bundle)))
      }
    }
    for (name, after) in new.jobs where old.jobs[name] == nil {
      added.append(JobChange(job: name, kind: .add(after.bundle)))
    }
    return [removed, changed, added].flatMap { $0.sorted { $0.job < $1.job } }
  }

  /// One line, and for a change one more for each field, indented.
  public var lines: [String] {
    switch kind {
    case .remove(let bundle): ["- remove \(job) (bundle \(bundle.short)…)"]
    case .add(let bundle): ["+ add \(job) (bundle \(bundle.short)…)"]
    case .change(let from, let to, let differences):
      ["~ change \(job) (bundle \(from.short)… → \(to.short)…)"] + differences.map { "    \($0.line)" }
    }
  }

  public var json: JSONValue {
    switch kind {
    case .remove(let bundle):
      ["change": "remove", "job": .string(job.text), "from": .string(bundle.hex)]
    case .add(let bundle):
      ["change": "add", "job": .string(job.text), "to": .string(bundle.hex)]
    case .change(let from, let to, let differences):
      [
        "change": "change", "job": .string(job.text), "from": .string(from.hex), "to": .string(to.hex),
        "differences": .array(differences.map(\.json)),
      ]
    }
  }
}
