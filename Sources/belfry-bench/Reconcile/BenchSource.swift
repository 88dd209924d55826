import Git

/// A bare source repository and a mirror of it, made by git itself.
struct BenchSource {
  let repository: String
  let mirror: String
  private let gitMirror: String
  /// The commit with everything.
  let base: String
  /// Commits that change one manifest each, one on top of the other, `base` below. The branch stands at `base`.
  let steps: [String]

  static func make(_ content: SourceContent, steps: Int, in folder: BenchFolder) async throws -> BenchSource {
    let repository = folder["source.git"]
    try await Tool.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", repository])
    var stream = ImportStream()
    stream.commit(
      to: "main", at: 1_790_000_000,
      files: content.files.map {
        ImportStream.File(path: $0.path, isExecutable: $0.isExecutable, bytes: Array($0.text.utf8))
      })
    try await Tool.git("fast-import", "--quiet", in: repository, input: stream.bytes)
    let base = try await Tool.git("rev-parse", "main", in: repository)
    let mirror = folder["mirror.git"]
    _ = try Repository.createBare(at: mirror).fetch("main", from: Remote(url: repository), into: Self.fetched)
    let gitMirror = folder["git-mirror.git"]
    try await Tool.run(["git", "clone", "--quiet", "--mirror", "--no-local", repository, gitMirror])
    var changes = ImportStream()
    for step in 1...steps {
      let index = step * 7_919 % content.manifests
      let text = content.manifest(index, revision: step)
      changes.commit(
        to: "steps", at: 1_790_000_000 + step, parent: step == 1 ? base : nil,
        files: [ImportStream.File(path: content.path(ofManifest: index), bytes: Array(text.utf8))])
    }
    try await Tool.git("fast-import", "--quiet", in: repository, input: changes.bytes)
    let list = try await Tool.git("rev-list", "--reverse", "main..steps", in: repository)
    return BenchSource(
      repository: repository, mirror: mirror, gitMirror: gitMirror, base: base,
      steps: list.split(separator: "\n").map(String.init))
  }

  /// Where our mirror keeps what it fetched.
  static let fetched = "refs/belfry/fetched"

  /// Seconds that git itself takes to fetch each of the steps and to say what changed.
  func gitFloor() async throws -> [Double] {
    var seconds: [Double] = []
    for (old, new) in zip([base] + steps, steps) {
      try await Tool.git("update-ref", "refs/heads/main", new, in: repository)
      let fetch = TimedCommand.git("fetch", "--quiet", "origin", "refs/heads/main:refs/heads/main", in: gitMirror)
      let compare = TimedCommand.git("diff-tree", "-r", old, new, in: gitMirror)
      seconds.append(try fetch.seconds() + compare.seconds())
    }
    return seconds
  }
}
