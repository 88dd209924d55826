import Model

extension Job {
  /// The job's JSON form with its fields of time as a manifest spells them, for people to read differences in: signed
  /// objects keep the parts of `dst` apart, and leave `missed` out at its default.
  var manifestForm: JSONValue {
    guard case .object(var members) = json else { return json }
    for index in members.indices {
      switch members[index].key {
      case "triggers": members[index].value = .array(triggers.map(\.manifestForm))
      case "overlap": members[index].value = .string(overlap.words)
      default: break
      }
    }
    members.removeAll { $0.key == "missed" }
    let place = members.firstIndex { ["startByMs", "overlap"].contains($0.key) } ?? members.endIndex
    members.insert(.init("missed", .string(missed.words)), at: place)
    return .object(members)
  }
}

extension Trigger {
  fileprivate var manifestForm: JSONValue {
    guard case .object(var members) = json else { return json }
    let change = members.filter { ["gap", "repeat"].contains($0.key) }
    guard let place = members.firstIndex(where: { ["gap", "repeat"].contains($0.key) }) else { return json }
    members.removeAll { ["gap", "repeat"].contains($0.key) }
    members.insert(.init("dst", .object(change)), at: place)
    return .object(members)
  }
}

extension Overlap {
  /// The word of the manifest, with the depth of a queue of more than one: `queue (2)`.
  var words: String {
    switch self {
    case .skip: "skip"
    case .allow: "allow"
    case .replace: "replace"
    case .queue(let depth): depth == 1 ? "queue" : "queue (\(depth))"
    }
  }
}

extension Missed {
  /// The word of the manifest, with the limit where it is not the usual one: `all (500)`.
  var words: String {
    switch self {
    case .latest: "latest"
    case .skip: "skip"
    case .all(let limit): limit == Self.standardLimit ? "all" : "all (\(limit))"
    }
  }
}
