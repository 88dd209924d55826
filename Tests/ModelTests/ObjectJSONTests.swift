import Model
import Testing

/// Assignments, dispatches and bundles.
@Suite struct ObjectJSONTests {
  static func digest(_ byte: String) throws -> Model.Digest {
    try Model.Digest(hex: String(repeating: byte, count: 32))
  }

  static func assignment() throws -> Assignment {
    let commit = try CommitID(String(repeating: "0c", count: 20))
    return Assignment(
      agent: try AgentID("0190c5e0-1b1b-4c1c-8d1d-0123456789ab"), position: Position(epoch: 3, sequence: 17),
      issued: try instant("2026-11-20T00:00:00Z"), expires: try instant("2026-11-27T00:00:00Z"),
      entries: [
        .init(job: try JobName("b"), bundle: try digest("bb"), commit: commit, lease: .seconds(604_800)),
        .init(job: try JobName("a"), bundle: try digest("aa"), commit: commit, lease: .seconds(60)),
      ])
  }

  @Test func assignments() throws {
    let assignment = try Self.assignment()
    #expect(assignment.entries.map(\.job.text) == ["a", "b"])
    #expect(try Assignment(json: JSONValue(parsing: assignment.json.bytes, limit: 1 << 20)) == assignment)
    let jobs = try #require(assignment.json["jobs"]?.arrayValue)
    for wrong in [jobs.reversed(), jobs + [jobs[1]], [["job": "a"]]] as [[JSONValue]] {
      #expect(throws: JSONError.self) {
        try Assignment(json: replacing(["jobs"], in: assignment.json, with: .array(wrong)))
      }
    }
    for key in ["agent", "epoch", "sequence", "issued", "expires"] {
      #expect(throws: JSONError.self) { try Assignment(json: replacing([key], in: assignment.json, with: nil)) }
    }
    #expect(throws: JSONError.self) { try Assignment(json: replacing(["x"], in: assignment.json, with: 1)) }
  }

  @Test func positionsAreOrderedByEpochFirst() {
    #expect(Position(epoch: 1, sequence: 9) < Position(epoch: 2, sequence: 0))
    #expect(Position(epoch: 2, sequence: 0) < Position(epoch: 2, sequence: 1))
    #expect(Position.zero.description == "0.0")
  }

  @Test func dispatches() throws {
    let dispatch = Dispatch(
      agent: try AgentID("0190c5e0-1b1b-4c1c-8d1d-0123456789ab"), epoch: 3, nonce: "n", job: try JobName("a"),
      bundle: try Self.digest("aa"), request: "req-1", nominal: try instant("2026-11-20T00:00:00.5Z"),
      startBy: try instant("2026-11-20T00:01:00Z"), params: ["keep": .integer(5), "rate": .decimal("0.5")])
    #expect(try Dispatch(json: JSONValue(parsing: dispatch.json.bytes, limit: 1 << 20)) == dispatch)
    #expect(dispatch.occurrence.cause == .person(request: "req-1"))
    for request in ["", "A", "a b", "a/b", "é", String(repeating: "a", count: 65)] {
      #expect(throws: JSONError.self) {
        try Dispatch(json: replacing(["request"], in: dispatch.json, with: .string(request)))
      }
    }
    #expect(throws: JSONError.self) { try Dispatch(json: replacing(["x"], in: dispatch.json, with: 1)) }
  }

  @Test func bundles() throws {
    let files = [
      BundleFile(path: "scripts/b.sh", digest: try Self.digest("bb"), size: 10, executable: true),
      BundleFile(path: "scripts/a.sh", digest: try Self.digest("aa"), size: 0, executable: false),
    ]
    let bundle = Bundle(
      source: SourceLocation(repository: "https://git.example.com/jobs.git", branch: "main", path: "jobs/a.yaml"),
      job: try JobJSONTests.full(), files: files)
    let digests = Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0.digest) })
    let json = try JSONValue(parsing: bundle.predicateJSON.bytes, limit: 1 << 20)
    #expect(try Bundle(predicateJSON: json, digests: digests) == bundle)
    #expect(bundle.files.map(\.path) == ["scripts/a.sh", "scripts/b.sh"])

    let entries = try #require(json["files"]?.arrayValue)
    func file(_ path: String) -> JSONValue { ["path": .string(path), "size": 0, "executable": false] }
    let wrongs: [[JSONValue]] = [
      [], [entries[0]], entries.reversed(), entries + [entries[1]], entries + [file("z")],
    ]
    for wrong in wrongs {
      #expect(throws: JSONError.self) {
        try Bundle(predicateJSON: replacing(["files"], in: json, with: .array(wrong)), digests: digests)
      }
    }
    // A path that leaves the folder is refused even where the statement lists it.
    for path in ["../x", "/etc/passwd", "a/../\u{301}b", ".git/config"] {
      #expect(throws: JSONError.self) {
        try Bundle(
          predicateJSON: replacing(["files"], in: json, with: .array([file(path)])),
          digests: [path: try Self.digest("aa")])
      }
    }
    #expect(throws: JSONError.self) { try Bundle(predicateJSON: json, digests: [:]) }
  }
}
