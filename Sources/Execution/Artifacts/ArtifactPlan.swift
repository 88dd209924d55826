import Glibc
import Model

/// Which files of an attempt are to be sent back, decided once: an agent that dies while it takes them goes on with the
/// same list in its next life. Each file is known by its place in the list.
struct ArtifactPlan: Hashable {
  struct Entry: Hashable {
    var name: String
    /// It is below the working folder, and not in the folder for artifacts.
    var isInWorkFolder: Bool
  }

  var entries: [Entry] = []
  var problems: [String] = []
  var notes: [String] = []

  /// Looks at the folders; nil where one is not there.
  init(folder: borrowing Descriptor?, work: borrowing Descriptor?, patterns: [Glob]) {
    var given = ArtifactWalk()
    switch folder {
    case .some(let root): given.findAll(below: root)
    case .none: break
    }
    var matched = ArtifactWalk()
    switch work {
    case .some(let root): for pattern in patterns { matched.find(pattern, below: root) }
    case .none: break
    }
    problems = given.problems + matched.problems
    notes = given.notes + matched.notes
    for name in given.names.intersection(matched.names).sorted() {
      notes.append("\(name) is in both folders: the one in BELFRY_ARTIFACTS is meant")
    }
    let names = given.names.union(matched.names).sorted()
    entries = names.prefix(Artifact.countLimit).map { Entry(name: $0, isInWorkFolder: !given.names.contains($0)) }
    if names.count > entries.count {
      problems.append("there are \(names.count) files, and no more than \(Artifact.countLimit) are taken")
    }
  }

  private static let fileLimit = 1 << 20

  init(parsing bytes: [UInt8]) throws(JSONError) {
    var fields = try JSONFields(try JSONValue(parsing: bytes, limit: Self.fileLimit), "artifacts")
    entries = try fields.list("entries") { value in
      var entry = try JSONFields(value, "artifacts.entries")
      return Entry(name: try entry.string("name"), isInWorkFolder: try entry.bool("work"))
    }
    problems = try fields.strings("problems")
    notes = try fields.strings("notes")
  }

  var bytes: [UInt8] {
    let json: JSONValue = [
      "entries": .array(entries.map { ["name": .string($0.name), "work": .bool($0.isInWorkFolder)] }),
      "problems": .strings(problems.prefix(100)), "notes": .strings(notes.prefix(100)),
    ]
    return json.bytes
  }
}
