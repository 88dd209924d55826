import Glibc

/// Keeps a second process from using the same state folder, until this process ends.
public enum FolderLock {
  /// Takes the lock file (flock(2)), which is made where it is missing. False: another process has it. Throws a ``FileError``
  /// when it cannot be made.
  public static func take(_ path: String) throws(FileError) -> Bool {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno, operation: "cannot open") }
    // Never closed: the kernel lets go of it with the process.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      guard code == EWOULDBLOCK else { throw FileError(path: path, code: code, operation: "cannot lock") }
      return false
    }
    return true
  }
}
