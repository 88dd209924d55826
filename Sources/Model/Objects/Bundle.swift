/// What a bundle says: the job and every file that it needs. It holds no commit and no time, so that the same content
/// is the same bundle: reverting a commit gives back the very digest that the fleet held before.
public struct Bundle: Hashable, Sendable {
  public var source: SourceLocation
  public var job: Job
  /// In ascending order of path, each path once.
  public var files: [BundleFile]

  public init(source: SourceLocation, job: Job, files: [BundleFile]) {
    self.source = source
    self.job = job
    self.files = files.sorted { $0.path < $1.path }
  }
}

/// Where a job's manifest stands.
public struct SourceLocation: Hashable, Sendable {
  /// The repository's URL without user name, password or token.
  public var repository: String
  public var branch: String
  /// The manifest's path from the repository's root.
  public var path: String

  public init(repository: String, branch: String, path: String) {
    self.repository = repository
    self.branch = branch
    self.path = path
  }
}

/// One file of a bundle.
public struct BundleFile: Hashable, Sendable {
  /// From the repository's root; see ``RepositoryPath/problem(in:)``.
  public var path: String
  public var digest: Digest
  /// Bytes.
  public var size: Int64
  /// git mode 100755 rather than 100644.
  public var executable: Bool

  public init(path: String, digest: Digest, size: Int64, executable: Bool) {
    self.path = path
    self.digest = digest
    self.size = size
    self.executable = executable
  }
}

/// The grammar of paths within a repository that Belfry is willing to put on a disk.
public enum RepositoryPath {
  /// What is wrong with the path, or nil: it must be relative, at most 1024 bytes, 255 a segment and 32 segments, with
  /// no empty segment, no `.`, `..` or `.git` (in any case), no control character, no backslash.
  public static func problem(in path: String) -> String? {
    guard !path.isEmpty else { return "the path is empty" }
    guard path.utf8.count <= 1024 else { return "the path has more than 1024 bytes" }
    guard path.utf8.first != 0x2f else { return "the path must be relative to the repository's root" }
    guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != 0x5c }) else {
      return "the path holds a control character or a backslash"
    }
    // Split as the kernel does, at bytes: in "../\u{301}x" no `Character` is a slash, yet the first segment is "..".
    let segments = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false)
    guard segments.count <= 32 else { return "the path has more than 32 segments" }
    for segment in segments {
      if segment.isEmpty { return "the path has an empty segment" }
      if segment.count > 255 { return "a segment of the path has more than 255 bytes" }
      if segment.allSatisfy({ $0 == 0x2e }), segment.count <= 2 {
        return "the path must not contain '\(Substring(segment))'"
      }
      if Substring(segment).lowercased() == ".git" { return "the path must not contain '.git'" }
    }
    return nil
  }
}

extension Bundle {
  /// The predicate of the bundle's statement; the files' paths and digests are the statement's subject.
  public var predicateJSON: JSONValue {
    [
      "source": [
        "repository": .string(source.repository), "branch": .string(source.branch), "path": .string(source.path),
      ],
      "job": job.json,
      "files": .array(
        files.map { ["path": .string($0.path), "size": .integer($0.size), "executable": .bool($0.executable)] }),
    ]
  }

  /// Reads a predicate; `digests` are the statement's subjects by path, and must be those of exactly its files.
  public init(predicateJSON json: JSONValue, digests: [String: Digest]) throws(JSONError) {
    var fields = try JSONFields(json, "bundle")
    var place = try JSONFields(fields.take("source"), "bundle.source")
    let source = SourceLocation(
      repository: try place.string("repository"), branch: try place.string("branch"), path: try place.string("path"))
    try place.finish()
    let files = try fields.list("files") { value in try BundleFile(json: value, digests: digests) }
    let paths = files.map(\.path)
    guard paths == paths.sorted(), Set(paths).count == paths.count else {
      throw JSONError("bundle.files: paths must ascend and differ")
    }
    guard files.count == digests.count else { throw JSONError("bundle.files: not the statement's subjects") }
    self.init(source: source, job: try fields.required("job") { try Job(json: $0) }, files: files)
    try fields.finish()
  }
}

extension BundleFile {
  fileprivate init(json: JSONValue, digests: [String: Digest]) throws(JSONError) {
    var fields = try JSONFields(json, "bundle.files")
    let path = try fields.string("path")
    if let problem = RepositoryPath.problem(in: path) { throw JSONError("bundle.files: \(problem)") }
    guard let digest = digests[path] else { throw JSONError("bundle.files: '\(path)' is not a subject") }
    let size = try fields.required("size") { $0.integerValue.flatMap { $0 >= 0 ? $0 : nil } }
    self.init(path: path, digest: digest, size: size, executable: try fields.bool("executable"))
    try fields.finish()
  }
}
