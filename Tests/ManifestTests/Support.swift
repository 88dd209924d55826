import Foundation
import Manifest
import Model
import ZoneInfo

/// The time zones that come with the tests, so that no package of the system matters.
let zonesFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/zoneinfo").path
let zones = ZoneDatabase(folder: zonesFolder)

let reader = ManifestReader(zones: zones)

/// A commit in memory.
struct Commit {
  private(set) var bytes: [String: [UInt8]] = [:]
  var reader = ManifestTests.reader
  private var kinds: [String: RepositoryListing.Kind] = [:]

  init() {}

  /// Text files; a path that begins with `scripts/` is executable.
  init(_ files: [String: String]) {
    for (path, text) in files {
      add(path, bytes: Array(text.utf8), kind: path.hasPrefix("scripts/") ? .executable : .file)
    }
  }

  /// A commit of one manifest, `jobs/a.yaml`, beside a plain `belfry.yaml` and `scripts/a.sh`.
  static func with(manifest: String) -> Commit {
    Commit(["belfry.yaml": "belfry: 1\n", "scripts/a.sh": "#!/bin/sh\n", "jobs/a.yaml": manifest])
  }

  mutating func add(_ path: String, bytes: [UInt8], kind: RepositoryListing.Kind = .file) {
    self.bytes[path] = bytes
    kinds[path] = kind
  }

  mutating func remove(_ path: String) {
    bytes[path] = nil
    kinds[path] = nil
  }

  var listing: RepositoryListing {
    RepositoryListing(
      kinds.map { path, kind in
        let content = bytes[path] ?? []
        return RepositoryListing.Entry(
          path: path, kind: kind, size: Int64(content.count), blob: "\(content.hashValue)")
      })
  }

  /// The files that a controller would read.
  func parsed() -> [ParsedFile] {
    let selection = reader.selection(root: root)
    return bytes.keys.filter { isRegular($0) && selection.wants($0) }
      .map { reader.parse(path: $0, bytes: bytes[$0] ?? []) }
  }

  var root: ParsedFile? {
    guard isRegular("belfry.yaml") else { return nil }
    return bytes["belfry.yaml"].map { reader.parse(path: "belfry.yaml", bytes: $0) }
  }

  func load(_ files: [ParsedFile]? = nil, root: ParsedFile? = nil, previous: LoadedRepository? = nil)
    -> LoadedRepository
  {
    reader.load(
      root: root ?? self.root, files: files ?? parsed(), listing: listing,
      head: { path in bytes[path].map { Array($0.prefix(ScriptCheck.headBytes)) } }, previous: previous)
  }

  private func isRegular(_ path: String) -> Bool { kinds[path] == .file || kinds[path] == .executable }
}

extension LoadedRepository {
  /// Everything but the jobs, as text.
  var report: String {
    var text = diagnostics.map { $0.rendered + "\n" }.joined()
    if !brokenJobs.isEmpty { text += "broken: \(brokenJobs.sorted().map(\.text).joined(separator: " "))\n" }
    return text + "complete: \(isComplete ? "yes" : "no")\n"
  }

  var jobsJSON: JSONValue {
    .array(
      jobs.map { loaded in
        [
          "manifest": .string(loaded.manifestPath), "line": .integer(Int64(loaded.line)),
          "files": .strings(loaded.files), "job": loaded.job.json,
        ]
      })
  }

  /// The first job's, for tests of one manifest.
  var onlyJob: Job? { jobs.count == 1 ? jobs[0].job : nil }

  /// `line:column: message; suggestion` of each diagnostic.
  var summaries: [String] {
    diagnostics.map { "\($0.line):\($0.column): \($0.message)" + ($0.suggestion.map { "; \($0)" } ?? "") }
  }
}
