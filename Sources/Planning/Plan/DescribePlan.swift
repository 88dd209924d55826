public import Model

extension Plan {
  /// The plan for people: a line for each action, below a replacement what differs, then the notes, then a summary.
  ///
  /// `version` finds a version of a job by its bundle; without it, or where it finds nothing, differences are left out.
  public func lines(version: (Digest) -> DesiredJob? = { _ in nil }) -> [String] {
    var lines: [String] = []
    var told: [[Digest]: AgentName] = [:]
    for action in actions {
      lines.append(action.line)
      guard case .replace(_, let from, let to) = action.change, let old = version(from), let new = version(to)
      else { continue }
      if let agent = told[[from, to]] {
        // A hundred agents get the same replacement: its fields are told once.
        lines.append("    as on \(agent)")
      } else {
        told[[from, to]] = action.agentName
        lines += FieldDifference.between(old, new).map { "    \($0.line)" }
      }
    }
    return lines + notes.map(\.line) + [summary]
  }

  /// `Plan: 1 to install, 2 to replace, 0 to remove on 3 agents`, or that there is nothing to do.
  public var summary: String {
    guard !isEmpty else { return "Plan: nothing to do" }
    var (installs, replacements, removals, renewals) = (0, 0, 0, 0)
    for action in actions {
      switch action.change {
      case .install: installs += 1
      case .replace: replacements += 1
      case .remove: removals += 1
      case .renew: renewals += 1
      }
    }
    let renewed = renewals == 0 ? "" : ", \(renewals) to renew"
    let agents = "\(assignments.count) agent\(assignments.count == 1 ? "" : "s")"
    return "Plan: \(installs) to install, \(replacements) to replace, \(removals) to remove\(renewed) on \(agents)"
  }

  public var json: JSONValue {
    [
      "actions": .array(actions.map(\.json)),
      "assignments": .array(
        assignments.map { ["agent": .string($0.agent.text), "position": .string($0.position.description)] }),
      "notes": .array(notes.map(\.json)),
      "summary": .string(summary),
    ]
  }
}

extension PlanAction {
  public var line: String {
    switch change {
    case .remove(let job, let bundle): "- remove \(job) from \(agentName) (bundle \(bundle.short)…)"
    case .replace(let job, let from, let to):
      "~ replace \(job) on \(agentName) (bundle \(from.short)… → \(to.short)…)"
    case .install(let job, let bundle): "+ install \(job) on \(agentName) (bundle \(bundle.short)…)"
    case .renew(let reason): "= renew the assignment of \(agentName) (\(reason.words))"
    }
  }

  public var json: JSONValue {
    var word = "renew"
    var (job, from, to, reason): (JobName?, Digest?, Digest?, RenewalReason?)
    switch change {
    case .remove(let name, let bundle): (word, job, from) = ("remove", name, bundle)
    case .replace(let name, let old, let new): (word, job, from, to) = ("replace", name, old, new)
    case .install(let name, let bundle): (word, job, to) = ("install", name, bundle)
    case .renew(let why): reason = why
    }
    return .members([
      "action": .string(word), "agent": .string(agent.text), "agentName": .string(agentName.text),
      "job": job.map { .string($0.text) }, "from": from.map { .string($0.hex) }, "to": to.map { .string($0.hex) },
      "reason": reason.map { .string($0.rawValue) },
    ])
  }
}

extension PlanNote {
  public var line: String {
    switch self {
    case .sourceUnknown(let reason): "! the source cannot be read, so nothing changes: \(DisplayText.neutral(reason))"
    case .sourceIncomplete(let reason):
      "! the source is not completely known, so nothing is removed: \(DisplayText.neutral(reason))"
    case .kept(let job, let agents):
      "! \(job) stays on \(agents.map(\.text).joined(separator: ", ")) until the source is completely known"
    case .noEligibleAgent(let job): "! no agent matches the targets of \(job)"
    case .waiting(_, let name, let why, let changes):
      "! \(changes == 0 ? "a renewal" : changes == 1 ? "1 change" : "\(changes) changes") for \(name): \(why.words)"
    }
  }

  public var json: JSONValue {
    switch self {
    case .sourceUnknown(let reason): ["note": "sourceUnknown", "reason": .string(reason)]
    case .sourceIncomplete(let reason): ["note": "sourceIncomplete", "reason": .string(reason)]
    case .kept(let job, let agents):
      ["note": "kept", "job": .string(job.text), "agents": .strings(agents.map(\.text))]
    case .noEligibleAgent(let job): ["note": "noEligibleAgent", "job": .string(job.text)]
    case .waiting(let agent, let name, let why, let changes):
      [
        "note": "waiting", "agent": .string(agent.text), "agentName": .string(name.text),
        "reason": .string(why.words), "changes": .integer(Int64(changes)),
      ]
    }
  }
}

extension WaitReason {
  public var words: String {
    switch self {
    case .disconnected: "waiting until it is connected"
    case .refused(let reason, let until):
      "refused (\(DisplayText.neutral(reason))), offered again at \(until)"
    case .laterController(let epoch):
      "it obeys a controller with the higher epoch \(epoch): another one is acting, or the results branch was replaced"
    }
  }
}
