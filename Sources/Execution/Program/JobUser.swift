import Glibc

/// Whom a job runs as, by numbers: what is looked up on the host before its process is made, where looking up could hang.
public struct JobUser: Hashable, Sendable {
  public var id: UInt32
  public var group: UInt32
  /// Supplementary groups, at most ``groupLimit``.
  public var groups: [UInt32]

  public init(id: UInt32, group: UInt32, groups: [UInt32]) {
    self.id = id
    self.group = group
    self.groups = groups
  }

  /// The one after it means "leave it" to setresuid(2).
  static let idRange: ClosedRange<Int64> = 0...0xffff_fffe
  /// What the shim's spec has room for.
  public static let groupLimit = 1_024
}

/// A user of this host, as passwd(5) and its like tell.
struct HostUser: Hashable {
  var name: String
  var user: JobUser
  var home: String
  var shell: String

  /// Nil when there is none of that name. May take as long as a directory service takes. Throws `noUser` when it cannot
  /// be found out, or for too many groups.
  static func find(_ name: String) throws(ExecutionError) -> HostUser? {
    // For a line of passwd(5); getpwnam_r says ERANGE should it not do.
    var buffer = [CChar](repeating: 0, count: 64 << 10)
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var (home, shell) = ("/", "/bin/sh")
    // The entry points into the buffer, which is there only inside.
    let status = buffer.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return ENOMEM }
      let status = getpwnam_r(name, &entry, start, buffer.count, &found)
      if found != nil, let folder = entry.pw_dir { home = String(cString: folder) }
      if found != nil, let program = entry.pw_shell { shell = String(cString: program) }
      return status
    }
    // What "no such user" is called differs from source to source: getpwnam_r(3).
    guard status == 0 || [ENOENT, ESRCH, EBADF, EPERM].contains(status) else {
      throw ExecutionError(.noUser, "the user \(name) cannot be looked up: \(systemMessage(status))")
    }
    guard found != nil else { return nil }
    let (id, group) = (entry.pw_uid, entry.pw_gid)
    let user = JobUser(id: id, group: group, groups: try groups(of: name, group))
    return HostUser(name: name, user: user, home: home, shell: shell)
  }

  private static func groups(of name: String, _ group: gid_t) throws(ExecutionError) -> [UInt32] {
    var count = Int32(JobUser.groupLimit)
    var groups = [gid_t](repeating: 0, count: JobUser.groupLimit)
    guard getgrouplist(name, group, &groups, &count) >= 0 else {
      throw ExecutionError(.noUser, "the user \(name) is in more than \(JobUser.groupLimit) groups")
    }
    return groups.prefix(Int(count)).map { UInt32($0) }
  }
}
