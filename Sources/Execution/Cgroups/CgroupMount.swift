/// Where a host shows the hierarchy of cgroup v2 (cgroups(7)): all of it, or beside version 1 in a folder of its own.
struct CgroupMount: Hashable {
  /// The folder that it is mounted on.
  var folder: String
  /// Which cgroup that folder is; `/` but for containers.
  var root: String

  /// The first mount of cgroup v2 in `/proc/self/mountinfo` (proc(5)) that may be written to; nil when there is none.
  init?(mountinfo: String) {
    for line in mountinfo.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      // 36 35 98:0 ROOT FOLDER OPTIONS … - TYPE SOURCE OPTIONS
      guard fields.count >= 9, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 1 < fields.count,
        fields[dash + 1] == "cgroup2", fields[5].split(separator: ",").contains("rw")
      else { continue }
      folder = Self.unescaped(fields[4])
      root = Self.unescaped(fields[3])
      return
    }
    return nil
  }

  /// The folder of a cgroup; nil when it is not below what is mounted, or no path of one.
  func folder(of cgroup: String) -> String? {
    let segments = cgroup.split(separator: "/")
    guard cgroup.hasPrefix("/"), !segments.contains(".."), !segments.contains(".") else { return nil }
    let top = root.split(separator: "/")
    guard segments.starts(with: top) else { return nil }
    return ([folder] + segments.dropFirst(top.count).map(String.init)).joined(separator: "/")
  }

  /// The cgroup of version 2 that `/proc/self/cgroup` names; nil when the kernel has none.
  static func own(in text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
  }

  /// Space, tab, line feed and backslash stand in octal.
  private static func unescaped(_ text: String) -> String {
    text.replacing("\\040", with: " ").replacing("\\011", with: "\t").replacing("\\012", with: "\n").replacing(
      "\\134", with: "\\")
  }
}
