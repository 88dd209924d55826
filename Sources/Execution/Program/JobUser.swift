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

  /// Nil when there is none of that name. Throws `noUser` when that cannot be found out, or for too many groups.
  static func find(_ name: String) throws(ExecutionError) -> HostUser? {
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var status = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
    while status == ERANGE, buffer.count < 1 << 20 {
      buffer = [CChar](repeating: 0, count: 2 * buffer.count)
      status = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
    }
    guard status == 0 || [ENOENT, ESRCH, EBADF, EPERM].contains(status) else {
      throw ExecutionError(.noUser, "the user \(name) cannot be looked up: \(systemMessage(status))")
    }
    guard found != nil, let home = entry.pw_dir, let shell = entry.pw_shell else { return nil }
    return HostUser(
      name: name, user: JobUser(id: entry.pw_uid, group: entry.pw_gid, groups: try groups(of: name, entry.pw_gid)),
      home: String(cString: home), shell: String(cString: shell))
  }

  private static func groups(of name: String, _ group: gid_t) throws(ExecutionError) -> [UInt32] {
    var count = Int32(JobUser.groupLimit)
    var groups = [gid_t](repeating: 0, count: JobUser.groupLimit)
    guard getgrouplist(name, group, &groups, &count) >= 0 else {
      throw ExecutionError(.noUser, "the user \(name) is in more than \(JobUser.groupLimit) groups")
    }
    return groups.prefix(Int(count)).map { UInt32($0) }
  }

  /// The user for a job that names one. Throws `noUser` when there is none, or when the agent may not become it.
  static func forJob(_ name: String) throws(ExecutionError) -> HostUser {
    guard let found = try find(name) else { throw ExecutionError(.noUser, "this host has no user \(name)") }
    guard geteuid() == 0 || geteuid() == found.user.id else {
      throw ExecutionError(.noUser, "the agent does not run as root, so it cannot run a job as \(name)")
    }
    return found
  }
}
