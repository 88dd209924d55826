import Foundation
import Manifest
import Platform

/// The files of a folder as if they were a commit, for looking at what is not committed yet.
struct WorkTree {
  private let root: String
  private(set) var entries: [RepositoryListing.Entry] = []

  /// Lists the folder. Throws a `FileError` when it cannot be read.
  init(path: String) throws {
    root = path
    try list("")
    entries.sort { $0.path < $1.path }
  }

  private mutating func list(_ folder: String) throws {
    let path = folder.isEmpty ? root : root + "/" + folder
    for name in try FileManager.default.contentsOfDirectory(atPath: path) where name != ".git" {
      let inner = folder.isEmpty ? name : folder + "/" + name
      var status = stat()
      guard lstat(root + "/" + inner, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try list(inner)
      case S_IFLNK: entries.append(.init(path: inner, kind: .symbolicLink))
      case S_IFREG:
        let kind: RepositoryListing.Kind = status.st_mode & S_IXUSR != 0 ? .executable : .file
        let blob = "\(status.st_ino).\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec).\(status.st_size)"
        entries.append(.init(path: inner, kind: kind, size: Int64(status.st_size), blob: blob))
      default: continue
      }
    }
  }

  func read(_ entry: RepositoryListing.Entry) throws -> [UInt8] {
    try DurableFile.read(root + "/" + entry.path, limit: Int(ManifestLimits.jobFileBytes))
  }
}
