import CLibGit2
import Glibc

/// Throws unless a libgit2 call succeeded. To be called directly on the call's result: libgit2's text is per thread.
@discardableResult
func check(_ code: Int32, _ what: @autoclosure () -> String) throws(GitError) -> Int32 {
  guard code < 0 else { return code }
  throw lastError(code, what())
}

/// The error of the libgit2 call that has just failed on this thread, with what it was meant to do in front.
func lastError(_ code: Int32, _ what: String) -> GitError {
  guard let last = git_error_last(), let text = last.pointee.message else {
    return GitError(errorKind(code: code, category: 0, text: ""), what)
  }
  let message = String(cString: text)
  let kind = errorKind(code: code, category: UInt32(bitPattern: last.pointee.klass), text: message)
  return GitError(kind, "\(what): \(message)", hint: errorHint(kind, message))
}

/// Judges by code, class and words, the first match wins. Words, because libgit2 has one code for most failures.
func errorKind(code: Int32, category: UInt32, text: String) -> GitError.Kind {
  func says(_ words: String...) -> Bool { words.contains { contains(text, $0) } }
  switch code {
  case GIT_EAUTH.rawValue: return .authentication
  case GIT_ECERTIFICATE.rawValue: return .untrusted
  case GIT_ENONFASTFORWARD.rawValue, GIT_EMODIFIED.rawValue, GIT_ELOCKED.rawValue: return .nonFastForward
  case GIT_EINVALIDSPEC.rawValue: return .unsupported
  case GIT_EMISMATCH.rawValue: return .corrupt
  case GIT_EMERGECONFLICT.rawValue, GIT_ECONFLICT.rawValue: return .conflict
  default: break
  }
  let diskErrors = [ENOSPC, EDQUOT, EROFS, EIO, EACCES, EPERM, EMFILE, ENFILE].map { String(cString: strerror($0)) }
  if says("failed to resolve", "failed to connect", "Connection refused") { return .unreachable }
  if category != GIT_ERROR_SSH.rawValue, diskErrors.contains(where: { contains(text, $0) }) { return .disk }
  if says("status code: 401", "status code: 403", "authentication replays", "private key", "publickey", "authenticat") {
    return .authentication
  }
  if says(
    "status code: 404", "not exported", "not appear to be a git", "epository not found", "no such repository",
    "could not find repository", "unborn")
  {
    return .notFound
  }
  switch git_error_t(rawValue: category) {
  case GIT_ERROR_INDEXER, GIT_ERROR_ZLIB: return .corrupt
  case GIT_ERROR_NET, GIT_ERROR_HTTP, GIT_ERROR_SSH, GIT_ERROR_SSL: return .unreachable
  case GIT_ERROR_ODB where says("hash", "corrupt", "inflate", "header", "loose", "pack"):
    return code == GIT_ENOTFOUND.rawValue ? .notFound : .corrupt
  case GIT_ERROR_OBJECT where says("corrupt", "parse"): return .corrupt
  default: return code == GIT_ENOTFOUND.rawValue ? .notFound : .other
  }
}

/// What to do about an error of a kind, where that does not depend on who asks.
func errorHint(_ kind: GitError.Kind, _ text: String) -> String? {
  if contains(text, "status code: 403") { return "the credentials are known but may not do this" }
  if contains(text, "ssh session") || contains(text, "SSH session") {
    return "libssh2 may not know any of the server's key types: offer ed25519 or ecdsa host keys"
  }
  return switch kind {
  case .disk: "check free space and permissions"
  case .corrupt: "a mirror can be deleted and is then fetched anew"
  default: nil
  }
}

/// Whether `text` has `part` in it, byte by byte.
func contains(_ text: String, _ part: String) -> Bool {
  let part = Array(part.utf8)
  let text = Array(text.utf8)
  guard let first = part.first, text.count >= part.count else { return part.isEmpty }
  for start in 0...(text.count - part.count) where text[start] == first {
    if text[start..<start + part.count].elementsEqual(part) { return true }
  }
  return false
}
