public import Model

/// One field in which two versions of a job differ.
public struct FieldDifference: Hashable, Sendable {
  /// As a manifest spells it: `run.timeout`, `triggers[0].cron`; `files <path>` for a file's content.
  public var field: String
  /// In words for people; nil when the version does not have the field.
  public var old: String?
  public var new: String?

  public init(field: String, old: String?, new: String?) {
    self.field = field
    self.old = old
    self.new = new
  }

  /// `run.timeout: 1h → 30m`, `run.env.PGHOST: added db`, `files scripts/backup.sh: changed`.
  public var line: String {
    switch (old, new) {
    case (let old?, let new?) where old == new: "\(field): changed"
    case (let old?, let new?): "\(field): \(old) → \(new)"
    case (nil, let new?): "\(field): added \(new)"
    case (let old?, nil): "\(field): removed \(old)"
    case (nil, nil): "\(field): changed"
    }
  }

  /// What differs, in the order of the job's fields, then the files by path.
  public static func between(_ old: DesiredJob, _ new: DesiredJob) -> [FieldDifference] {
    var result: [FieldDifference] = []
    compare(old.job.manifestForm, new.job.manifestForm, at: "", into: &result)
    let before = Dictionary(old.files.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    let after = Dictionary(new.files.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    for path in Set(before.keys).union(after.keys).sorted() {
      compare(before[path], after[path], path: path, into: &result)
    }
    return result
  }

  private static func compare(
    _ old: BundleFile?, _ new: BundleFile?, path: String, into result: inout [FieldDifference]
  ) {
    let field = "files \(DisplayText.quoted(path))"
    if old == nil || new == nil {
      result.append(
        FieldDifference(field: field, old: old.map { "\($0.size) bytes" }, new: new.map { "\($0.size) bytes" }))
    } else if let old, let new, old != new {
      if old.digest != new.digest { result.append(FieldDifference(field: field, old: nil, new: nil)) }
      if old.executable != new.executable {
        let words = { $0 ? "executable" : "not executable" }
        result.append(FieldDifference(field: field, old: words(old.executable), new: words(new.executable)))
      }
    }
  }

  private static func compare(
    _ old: JSONValue?, _ new: JSONValue?, at path: String, into result: inout [FieldDifference]
  ) {
    guard old != new else { return }
    switch (old, new) {
    case (.object(let before)?, .object(let after)?):
      // In the order of the new version, then what only the old one has.
      let keys = after.map(\.key) + before.map(\.key).filter { new?[$0] == nil }
      for key in keys {
        compare(old?[key], new?[key], at: path.isEmpty ? key : "\(path).\(key)", into: &result)
      }
    case (.array(let before)?, .array(let after)?) where before.count == after.count && areObjects(before + after):
      for index in before.indices { compare(before[index], after[index], at: "\(path)[\(index)]", into: &result) }
    default:
      let key = DisplayText.key(path)
      result.append(
        FieldDifference(
          field: DisplayText.neutral(key), old: old.map { DisplayText.value($0, key: path) },
          new: new.map { DisplayText.value($0, key: path) }))
    }
  }

  private static func areObjects(_ values: [JSONValue]) -> Bool {
    values.allSatisfy { if case .object = $0 { true } else { false } }
  }
}

extension FieldDifference {
  public var json: JSONValue {
    .members([
      "field": .string(field), "old": old.map(JSONValue.string), "new": new.map(JSONValue.string),
    ])
  }
}
