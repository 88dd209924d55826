// Git: libgit2 as Swift values. Repositories, fetching, reading commits, batched commits, pushing.
//
// Nothing else imports CLibGit2, and no pointer of it leaves this module. Nothing here knows what the files mean.
//
// Three jobs are done without libgit2, each for a reason:
// - Packs for batch commits are written here (`PackWriter`): libgit2 fills packs through a memory map, so a full disk
//   would kill the process with SIGBUS instead of giving an error; and it indexes again what it has just compressed.
// - Remotes that are folders are read and written directly (`ObjectTransfer`): libgit2's local push moves the branch
//   without comparing it with what was expected, and its local fetch copies the whole history every time.
// - TCP connections are made here (`NetworkStream`): libgit2 1.5 has no timeouts at all.

import CLibGit2
import Glibc

/// Settings of the whole process.
public enum GitLibrary {
  /// Trusts the certificate authorities in a PEM file for `https` instead of the system's.
  ///
  /// Call it at start: connections that are being made at the same time may see either set.
  public static func trustCertificates(inFile path: String) throws(GitError) {
    try start()
    try check(belfry_git_set_certificate_file(path), "cannot read certificates from '\(path)'")
  }

  /// Starts libgit2 once for the process.
  static func start() throws(GitError) {
    guard started >= 0 else { throw GitError(.other, "libgit2 does not start") }
  }

  private static let started: Int32 = {
    let count = git_libgit2_init()
    guard count >= 0 else { return count }
    // A user's or a machine's git configuration (URL rewriting, proxies, filters) must not change what Belfry does.
    let levels = [
      GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
    ]
    for level in levels { _ = belfry_git_set_search_path(level.rawValue, "") }
    _ = belfry_git_set_template_path("")
    // libgit2 runs no hook, filter or monitor of a repository that it only reads and writes objects of, so a
    // repository of another owner can do no more than show us its content; and service users rarely own remotes.
    _ = belfry_git_set_owner_validation(0)
    // A reference must never point at objects that a power cut takes away.
    _ = belfry_git_set_fsync(1)
    // Each commit adds a pack, and each handle keeps the packs that it has looked at open.
    _ = belfry_git_set_open_pack_limit(256)
    _ = belfry_git_set_user_agent("belfry")
    let authorities = "/etc/ssl/certs/ca-certificates.crt"
    if access(authorities, R_OK) == 0 { _ = belfry_git_set_certificate_file(authorities) }
    // libgit2's ssh transport fails in the absence of HOME, which services often don't have.
    setenv("HOME", "/nonexistent", 0)
    NetworkStream.register()
    return count
  }()
}
