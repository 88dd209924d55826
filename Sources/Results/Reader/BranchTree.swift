import Git
import Model

/// The content of one commit of the results branch. Whoever could push may have put anything there, so what cannot be
/// read as expected is nil here, and only trouble with the repository itself is thrown.
struct BranchTree {
  let repository: Repository
  let commit: CommitID
  private let names = NameFolders()

  init(repository: Repository, commit: CommitID) {
    self.repository = repository
    self.commit = commit
  }

  /// A folder of the commit.
  struct Folder {
    var path: String
    var id: ObjectID

    func child(_ entry: FolderEntry) -> Folder { Folder(path: "\(path)/\(entry.name)", id: entry.id) }
  }

  /// What a folder holds.
  func entries(_ folder: Folder) throws(GitError) -> [FolderEntry] {
    do {
      return try repository.entries(ofTree: folder.id)
    } catch  where error.kind == .corrupt {
      return []
    }
  }

  /// The folder at a path; nil when there is none. Meant for folders that are named after jobs: those above it are
  /// kept, as they can hold ten thousand entries and are needed for each of them.
  func folder(_ path: String) throws(GitError) -> Folder? {
    let parent: String
    let name: String
    if let slash = path.utf8.lastIndex(of: 0x2f) {
      parent = String(path[..<slash])
      name = String(path[path.utf8.index(after: slash)...])
    } else {
      parent = ""
      name = path
    }
    guard let entry = try children(parent)[name], entry.kind == .folder else { return nil }
    return Folder(path: path, id: entry.id)
  }

  private func children(_ path: String) throws(GitError) -> [String: FolderEntry] {
    if let known = names.children[path] { return known }
    var list: [FolderEntry] = []
    if path.isEmpty {
      list = try repository.entries(inFolder: "", of: commit)
    } else if let folder = try folder(path) {
      list = try entries(folder)
    }
    let children = Dictionary(list.map { ($0.name, $0) }) { first, _ in first }
    names.children[path] = children
    return children
  }

  /// The folder of one hour; nil when nothing was due in it.
  private func hourFolder(_ job: JobName, _ time: Timestamp) throws(GitError) -> Folder? {
    guard var folder = try folder("\(ResultsLayout.runsFolder)/\(job.text)") else { return nil }
    for name in Instant.folder(time).split(separator: "/") {
      guard let entry = try entries(folder).first(where: { $0.name == name && $0.kind == .folder }) else { return nil }
      folder = folder.child(entry)
    }
    return folder
  }

  /// A cache that copies of the value share; the content of a commit never changes.
  private final class NameFolders {
    var children: [String: [String: FolderEntry]] = [:]
  }

  /// A regular file's bytes; nil when there is none at the path or it has more than `limit` bytes.
  func file(_ path: String, limit: Int) throws(GitError) -> [UInt8]? {
    do {
      return try repository.file(at: path, in: commit, limit: limit)
    } catch  where error.kind == .tooLarge || error.kind == .corrupt {
      return nil
    }
  }

  /// The bytes of a file that ``entries(_:)`` gave; nil when it is no regular file or has more than `limit` bytes.
  func bytes(_ entry: FolderEntry?, limit: Int) throws(GitError) -> [UInt8]? {
    guard let entry, entry.kind == .file(.file) || entry.kind == .file(.executable) else { return nil }
    do {
      return try repository.blob(entry.id, limit: limit)
    } catch  where error.kind == .tooLarge || error.kind == .corrupt {
      return nil
    }
  }

  /// All parts of the files of a job and nominal time, in order.
  func parts(_ file: RunFile) throws(GitError) -> [RunFilePart] {
    var found: [Int: RunFileEntries] = [:]
    guard let hour = try hourFolder(file.job, file.nominal) else { return [] }
    for listed in try runFiles(hour, file.job, file.nominal) where listed.file.nominal == file.nominal {
      found[listed.file.part] = listed
    }
    guard let last = found.keys.max() else { return [] }
    var parts: [RunFilePart] = []
    for part in 1...last {
      guard let entries = found[part] else {
        parts.append(.unreadable)
        continue
      }
      parts.append(
        try content(entries).map { .readable(receipts: $0.receipts, signatures: $0.signatures) } ?? .unreadable)
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

  /// The files of receipts in the folder of the hour that `time` is in, newest first, the parts of
  /// one time in ascending order.
  func runFiles(_ hour: Folder, _ job: JobName, _ time: Timestamp) throws(GitError) -> [RunFileEntries] {
    var files: [RunFile: RunFileEntries] = [:]
    let folders = Instant.folder(time).split(separator: "/")
    for entry in try entries(hour) {
      guard let (name, kind) = RunFile.Kind.split(entry.name[...]), let (stem, part) = RunFile.split(name),
        let nominal = Instant.time(folders: folders, stem: stem)
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
