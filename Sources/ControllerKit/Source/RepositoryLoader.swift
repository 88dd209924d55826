public import Git
import Manifest
public import Model
public import Planning
import Trust
public import ZoneInfo

/// What one commit, or one work tree, asks for.
public struct LoadedSource: Sendable {
  /// Nil for a work tree.
  public var commit: CommitID?
  /// In ascending order of name. Their `commit` is the one that was loaded.
  public var jobs: [DesiredJob]
  public var diagnostics: [Diagnostic]
  /// Jobs that some document names but that have mistakes: their last good version stays in force.
  public var broken: Set<JobName> { Set(mistakes.keys) }
  /// What is wrong with each of them.
  public var mistakes: [JobName: [Diagnostic]]
  /// False when it is not certain which jobs there are, so that none may be removed.
  public var isComplete: Bool
  /// Where each job's manifest stands.
  public var manifests: [JobName: String]
  /// Where the files of the bundles can be read.
  var blobs: [Digest: ObjectID]
  var bundles: [Digest: Bundle]

  /// A mistake that shows only when the job is bundled.
  fileprivate mutating func add(_ mistake: Diagnostic, of job: JobName) {
    diagnostics.append(mistake)
    mistakes[job, default: []].append(mistake)
  }
}

/// Turns commits into jobs and bundles. What has the same blob id as at an earlier load is not read again.
///
/// Not `Sendable`, like the repositories that it reads.
public final class RepositoryLoader {
  private let reader: ManifestReader
  private let location: (repository: String, branch: String)
  private var parsed: [FileKey: ParsedFile] = [:]
  private var contents: [String: Content] = [:]
  private var bundled: [JobName: Bundled] = [:]
  private var last: LoadedRepository?

  private struct FileKey: Hashable {
    let path: String
    let blob: String
  }

  /// What a blob holds, without its bytes.
  private struct Content {
    let digest: Digest
    let size: Int64
    /// The first bytes, for the `#!` line.
    let head: [UInt8]
  }

  /// A job as it was bundled. A class, because tens of thousands of them are looked at for each commit.
  private final class Bundled {
    let bundle: Bundle
    let digest: Digest
    /// Of the commit that it was bundled for.
    let desired: DesiredJob

    init(_ bundle: Bundle, commit: CommitID) {
      self.bundle = bundle
      digest = bundle.digest
      desired = DesiredJob(job: bundle.job, bundle: digest, commit: commit, files: bundle.files)
    }

    func isSame(_ job: LoadedJob, _ files: [BundleFile]) -> Bool {
      bundle.source.path == job.manifestPath && bundle.files == files && bundle.job == job.job
    }
  }

  /// `location` names the source in bundles: its URL without credentials, and its branch.
  public init(zones: ZoneDatabase, location: (repository: String, branch: String)) {
    reader = ManifestReader(zones: zones)
    self.location = location
  }

  /// Loads a commit. Throws a `GitError` when an object cannot be read; mistakes in manifests are diagnostics.
  public func load(commit: CommitID, from repository: Repository) throws -> LoadedSource {
    let entries = try repository.listing(of: commit).map(RepositoryListing.Entry.init)
    let objects = { (entry: RepositoryListing.Entry) throws -> [UInt8] in
      guard let id = ObjectID(hex: entry.blob) else { throw GitError(.corrupt, "no object for \(entry.path)") }
      return try repository.blob(id, limit: Int(ManifestLimits.jobFileBytes))
    }
    return try load(entries, commit: commit, read: objects)
  }

  /// Loads the files of a work tree as they are, committed or not. `.git` and what is no file or link is left out.
  public func load(workTree path: String) throws -> LoadedSource {
    let files = try WorkTree(path: path)
    return try load(files.entries, commit: nil, read: files.read)
  }

  private func load(
    _ entries: [RepositoryListing.Entry], commit: CommitID?, read: (RepositoryListing.Entry) throws -> [UInt8]
  ) throws -> LoadedSource {
    let listing = RepositoryListing(entries)
    var next: [FileKey: ParsedFile] = [:]
    func parse(_ entry: RepositoryListing.Entry) throws -> ParsedFile {
      let key = FileKey(path: entry.path, blob: entry.blob)
      if let known = parsed[key] {
        next[key] = known
        return known
      }
      let file: ParsedFile
      do {
        file = ParsedFile(path: entry.path, bytes: try read(entry))
      } catch let error as GitError where error.kind == .tooLarge {
        // One file that nobody could read must not keep all others from being read.
        file = ParsedFile(path: entry.path, problem: error.message)
      }
      next[key] = file
      return file
    }
    let root = try listing[ManifestSelection.rootPath].map(parse)
    var files: [ParsedFile] = []
    let selection = reader.selection(root: root)
    for entry in entries where entry.kind == .file || entry.kind == .executable {
      if selection.wants(entry.path) { files.append(try parse(entry)) }
    }
    parsed = next
    let loaded = reader.load(
      root: root, files: files, listing: listing,
      head: { path in listing[path].flatMap { try? self.content($0, read).head } }, previous: last)
    last = loaded
    return try bundle(loaded, listing, commit: commit, read: read)
  }

  private func bundle(
    _ loaded: LoadedRepository, _ listing: RepositoryListing, commit: CommitID?,
    read: (RepositoryListing.Entry) throws -> [UInt8]
  ) throws -> LoadedSource {
    var result = LoadedSource(
      commit: commit, jobs: [], diagnostics: loaded.diagnostics, mistakes: loaded.mistakes,
      isComplete: loaded.isComplete, manifests: [:], blobs: [:], bundles: [:])
    result.jobs.reserveCapacity(loaded.jobs.count)
    result.bundles.reserveCapacity(loaded.jobs.count)
    result.manifests.reserveCapacity(loaded.jobs.count)
    let commit = commit ?? Self.noCommit
    for job in loaded.jobs {
      var files: [BundleFile] = []
      // What agents would refuse must not be signed: they refuse the whole assignment with it. Only calendars hold what
      // others have written.
      guard job.job.blackout.isEmpty || (try? Job(json: job.job.json)) == job.job else {
        result.add(
          Diagnostic(
            file: job.manifestPath, line: job.line, message: "\(job.job.name): its calendars cannot be sent to agents",
            suggestion: "look for dates far from today in them"), of: job.job.name)
        continue
      }
      do {
        for path in job.files {
          guard let entry = listing[path] else { continue }
          let content = try content(entry, read)
          files.append(
            BundleFile(path: path, digest: content.digest, size: content.size, executable: entry.kind == .executable))
          result.blobs[content.digest] = ObjectID(hex: entry.blob)
        }
      } catch let error as GitError where error.kind == .tooLarge {
        result.add(
          Diagnostic(file: job.manifestPath, line: job.line, message: "\(job.job.name): \(error.message)"),
          of: job.job.name)
        continue
      }
      // Most jobs are as they were: encoding and hashing them again would be most of the work of a small commit.
      let known = bundled[job.job.name].flatMap { $0.isSame(job, files) ? $0 : nil }
      let entry = known ?? Bundled(bundle(job, files), commit: commit)
      if known == nil { bundled[job.job.name] = entry }
      result.bundles[entry.digest] = entry.bundle
      result.manifests[job.job.name] = job.manifestPath
      var desired = entry.desired
      desired.commit = commit
      result.jobs.append(desired)
    }
    return result
  }

  private func bundle(_ job: LoadedJob, _ files: [BundleFile]) -> Bundle {
    Bundle(
      source: SourceLocation(repository: location.repository, branch: location.branch, path: job.manifestPath),
      job: job.job, files: files)
  }

  private func content(
    _ entry: RepositoryListing.Entry, _ read: (RepositoryListing.Entry) throws -> [UInt8]
  ) throws -> Content {
    if let known = contents[entry.blob] { return known }
    let bytes = try read(entry)
    let content = Content(
      digest: SHA256.hash(bytes), size: Int64(bytes.count), head: Array(bytes.prefix(ScriptCheck.headBytes)))
    contents[entry.blob] = content
    return content
  }

  /// Stands for "not committed" where a commit is asked for: git's own null id.
  private static let noCommit: CommitID = {
    guard let id = try? CommitID(String(repeating: "0", count: 40)) else { preconditionFailure("40 zeros are an id") }
    return id
  }()
}

extension RepositoryListing.Entry {
  fileprivate init(_ file: TreeFile) {
    let kind: RepositoryListing.Kind =
      switch file.kind {
      case .file: .file
      case .executable: .executable
      case .symlink: .symbolicLink
      case .submodule, .refused: .submodule
      }
    self.init(path: file.path, kind: kind, blob: file.id.hex)
  }
}
