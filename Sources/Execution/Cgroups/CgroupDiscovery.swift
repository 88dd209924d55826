import Glibc

extension Cgroups {
  /// Finds out whether this process may make cgroups, and takes what it needs for it.
  ///
  /// `place` is the cgroup below which the attempts get theirs, as `/proc/self/cgroup` would name it; nil is the process's
  /// own, if that is its to divide. `owner` tells this agent's cgroups from those of others.
  ///
  /// A cgroup that gives controllers to those below must not hold processes itself, so whatever is in the place is moved to a
  /// child of it, ``rest``.
  public static func find(place: String?, owner: String) -> Cgroups {
    guard let mountinfo = text("/proc/self/mountinfo"), let mount = CgroupMount(mountinfo: mountinfo) else {
      return .none("no hierarchy of cgroup v2 is mounted that may be written to")
    }
    let cgroup: String
    if let place {
      cgroup = place
    } else {
      guard var own = text("/proc/self/cgroup").flatMap(CgroupMount.own) else {
        return .none("this process is in no cgroup of version 2")
      }
      if own.hasSuffix("/\(rest)") { own = String(own.dropLast(rest.count + 1)) }
      cgroup = own.isEmpty ? "/" : own
    }
    guard let folder = mount.folder(of: cgroup), access(folder, F_OK) == 0 else {
      return .none("there is no cgroup \(cgroup)")
    }
    guard place != nil || isOurs(folder) else {
      return .none("the agent's own cgroup \(cgroup) is systemd's and not the agent's to divide")
    }
    return tree(folder, owner)
  }

  /// The child for what was in the place before.
  static let rest = "belfry-rest"

  private static func tree(_ folder: String, _ owner: String) -> Cgroups {
    let prefix = "belfry-\(owner)-"
    let probe = "\(folder)/\(prefix)probe"
    rmdir(probe)
    guard mkdir(probe, 0o755) == 0 else {
      return .none("no cgroup can be made in \(folder): \(systemMessage(errno))")
    }
    rmdir(probe)
    return .tree(CgroupTree(folder: folder, prefix: prefix, controllers: enableControllers(in: folder)))
  }

  /// On a host with systemd only what it has given away: it marks such a cgroup.
  private static func isOurs(_ folder: String) -> Bool {
    guard access("/run/systemd/system", F_OK) == 0 else { return true }
    return ["user.delegate", "trusted.delegate"].contains { LinuxCalls.hasAttribute($0, of: folder) }
  }

  /// Those that hold for the cgroups below the folder afterwards.
  static func enableControllers(in folder: String) -> Set<CgroupController> {
    let offered = controllers(in: "\(folder)/cgroup.controllers")
    var enabled = controllers(in: "\(folder)/cgroup.subtree_control")
    for controller in offered.subtracting(enabled) {
      let order = "+\(controller.rawValue)"
      let file = "\(folder)/cgroup.subtree_control"
      if CgroupTree.write(order, to: file) == EBUSY {
        moveProcesses(of: folder)
        _ = CgroupTree.write(order, to: file)
      }
    }
    enabled = controllers(in: "\(folder)/cgroup.subtree_control")
    return enabled
  }

  private static func moveProcesses(of folder: String) {
    let child = "\(folder)/\(rest)"
    guard mkdir(child, 0o755) == 0 || errno == EEXIST else { return }
    // A process that forks meanwhile leaves a child behind.
    for _ in 0..<10 {
      let pids = (text("\(folder)/cgroup.procs") ?? "").split(separator: "\n")
      if pids.isEmpty { return }
      for pid in pids { _ = CgroupTree.write(String(pid), to: "\(child)/cgroup.procs") }
    }
  }

  private static func controllers(in path: String) -> Set<CgroupController> {
    let words = (text(path) ?? "").split { $0 == " " || $0 == "\n" }
    return Set(words.compactMap { CgroupController(rawValue: String($0)) })
  }

  private static func text(_ path: String) -> String? {
    guard let file = try? Descriptor(open: path, O_RDONLY),
      let bytes = try? file.read(at: 0, limit: 1 << 20, name: path)
    else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension Cgroups: CustomStringConvertible {
  /// In words, for a log.
  public var description: String {
    switch self {
    case .none(let why): return "none: \(why)"
    case .tree(let tree):
      let names = tree.controllers.map(\.rawValue).sorted()
      return "in \(tree.folder), controllers: \(names.isEmpty ? "none" : names.joined(separator: ", "))"
    }
  }
}
