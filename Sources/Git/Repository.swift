import CLibGit2
import Glibc
internal import Model

/// An open git repository.
///
/// Not `Sendable`: it belongs to whoever opened it, and all its calls block, so they run on a thread that may block.
/// Several may be open on one path at a time, in this and in other processes.
/// Nothing of a commit ever touches the file system: files are read from the object database.
public final class Repository {
  private(set) var pointer: OpaquePointer
  private(set) var database: OpaquePointer
  var cache = ListingCache()

  /// The `.git` folder, or the bare repository itself, with a slash at the end.
  public let path: String
  /// It has no work tree.
  public let isBare: Bool

  private init(adopting pointer: OpaquePointer) throws(GitError) {
    var database: OpaquePointer?
    let code = git_repository_odb(&database, pointer)
    guard code == 0, let database else {
      let error = lastError(code, "cannot open the object database")
      git_repository_free(pointer)
      throw error
    }
    self.pointer = pointer
    self.database = database
    path = git_repository_commondir(pointer).map { String(cString: $0) } ?? ""
    isBare = git_repository_is_bare(pointer) == 1
  }

  deinit {
    git_odb_free(database)
    git_repository_free(pointer)
  }

  /// Removes the locks of references that a process which was killed has left: nobody else would, and each further change of
  /// such a reference would fail for ever. Only for the one process to which the repository belongs, before it changes any.
  public func removeReferenceLocks() {
    func visit(_ folder: String, depth: Int) {
      guard depth < 32, let stream = opendir(folder) else { return }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let kind = entry.pointee.d_type
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        // Some file systems do not say what it is; a lock is never a folder, and opening a file as one does no harm.
        if kind == UInt8(DT_DIR) || kind == UInt8(DT_UNKNOWN) { visit("\(folder)/\(name)", depth: depth + 1) }
        if kind != UInt8(DT_DIR), name.hasSuffix(".lock") { unlink("\(folder)/\(name)") }
      }
    }
    visit(path + "refs", depth: 0)
    unlink(path + "packed-refs.lock")
  }

  /// Forgets the packs that are gone: libgit2 keeps every pack that it has ever seen mapped.
  func reopen() throws(GitError) {
    let fresh = try Self.open(at: path)
    swap(&pointer, &fresh.pointer)
    swap(&database, &fresh.database)
  }

  /// Opens a repository: a bare one, the root of a work tree, or a `.git` folder. Folders above are not searched.
  ///
  /// Throws `notFound` when there is none.
  public static func open(at path: String) throws(GitError) -> Repository {
    try GitLibrary.start()
    var pointer: OpaquePointer?
    let code = git_repository_open_ext(&pointer, path, GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue, nil)
    guard code == 0, let pointer else {
      if code == GIT_ENOTFOUND.rawValue { throw GitError(.notFound, "there is no git repository at '\(path)'") }
      throw lastError(code, "cannot open the repository at '\(path)'")
    }
    return try Repository(adopting: pointer)
  }

  /// Makes an empty bare repository, with the folders on the way to it.
  public static func createBare(at path: String) throws(GitError) -> Repository {
    try GitLibrary.start()
    var options = git_repository_init_options()
    git_repository_init_options_init(&options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION))
    options.flags =
      GIT_REPOSITORY_INIT_BARE.rawValue | GIT_REPOSITORY_INIT_MKPATH.rawValue
      | GIT_REPOSITORY_INIT_NO_REINIT.rawValue
    var pointer: OpaquePointer?
    let code = git_repository_init_ext(&pointer, path, &options)
    guard code == 0, let pointer else { throw lastError(code, "cannot make a repository at '\(path)'") }
    return try Repository(adopting: pointer)
  }

  /// Opens what is there, else makes an empty bare repository.
  public static func openOrCreateBare(at path: String) throws(GitError) -> Repository {
    do {
      return try open(at: path)
    } catch  where error.kind == .notFound {
      return try createBare(at: path)
    }
  }
}
