import Git
import Model

/// The content of one commit of the results branch. Whoever could push may have put anything there, so what cannot be
/// read as expected is nil here, and only trouble with the repository itself is thrown.
struct BranchTree {
  let repository: Repository
  let commit: CommitID

  /// What a folder holds; empty when there is none.
  func entries(_ folder: String) throws(GitError) -> [FolderEntry] {
    do {
      return try repository.entries(inFolder: folder, of: commit)
    } catch where error.kind == .corrupt {
      return []
    }
  }

  /// A regular file's bytes; nil when there is none at the path or it has more than `limit` bytes.
  func file(_ path: String, limit: Int) throws(GitError) -> [UInt8]? {
    do {
      return try repository.file(at: path, in: commit, limit: limit)
    } catch where error.kind == .tooLarge || error.kind == .corrupt {
      return nil
    }
  }

  /// The bytes of a file that ``entries(_:)`` gave; nil when it is no regular file or has more than `limit` bytes.
  func bytes(_ entry: FolderEntry?, limit: Int) throws(GitError) -> [UInt8]? {
    guard let entry, entry.kind == .file(.file) || entry.kind == .file(.executable) else { return nil }
    do {
      return try repository.blob(entry.id, limit: limit)
    } catch where error.kind == .tooLarge || error.kind == .corrupt {
      return nil
    }
  }

  /// All parts of the files of a job and nominal time, in order.
  func parts(_ file: RunFile) throws(GitError) -> [RunFilePart] {
    var found: [Int: RunFileEntries] = [:]
    for listed in try runFiles(of: file.job, inHourOf: file.nominal) where listed.file.nominal == file.nominal {
      found[listed.file.part] = listed
    }
    guard let last = found.keys.max() else { return [] }
    var parts: [RunFilePart] = []
    for part in 1...last {
      guard let entries = found[part] else {
        parts.append(.unreadable)
        continue
      }
      parts.append(try content(entries).map { .readable(receipts: $0.receipts, signatures: $0.signatures) } ?? .unreadable)
    }
    return parts
  }

  /// Bytes of a file of receipts or signatures that is read at the most: more than a writer lets it become.
  static let fileLimit = RunFile.partLimit + (1 << 20)

  /// Both files' bytes; nil when one of them is not what it should be. Missing signatures are none.
  func content(_ entries: RunFileEntries) throws(GitError) -> (receipts: [UInt8], signatures: [UInt8])? {
    guard let receipts = try bytes(entries.receipts, limit: Self.fileLimit) else { return nil }
    guard let signatures = entries.signatures else { return (receipts, []) }
    return try bytes(signatures, limit: Self.fileLimit).map { (receipts, $0) }
  }

  /// The files of receipts in one hour's folder, newest first, the parts of one time in ascending order.
  func runFiles(of job: JobName, inHourOf time: Timestamp) throws(GitError) -> [RunFileEntries] {
    var files: [RunFile: RunFileEntries] = [:]
    for entry in try entries(ResultsLayout.hourFolder(job, time)) {
      guard let (name, kind) = RunFile.Kind.split(entry.name[...]), let (stem, part) = RunFile.split(name),
        let nominal = Instant.time(folders: Instant.folder(time).split(separator: "/"), stem: stem)
      else { continue }
      let file = RunFile(job: job, nominal: nominal, part: part)
      switch kind {
      case .receipts: files[file, default: RunFileEntries(file: file)].receipts = entry
      case .signatures: files[file, default: RunFileEntries(file: file)].signatures = entry
      }
    }
    return files.values.sorted {
      $0.file.nominal == $1.file.nominal ? $0.file.part < $1.file.part : $0.file.nominal > $1.file.nominal
    }
  }
}

/// A file of receipts and the one with its signatures, as they stand in their folder.
struct RunFileEntries: Hashable {
  var file: RunFile
  var receipts: FolderEntry?
  var signatures: FolderEntry?
}
