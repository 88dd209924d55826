import Glibc
import Model

/// A controller of cgroup v2 that limits need.
public enum CgroupController: String, Hashable, Sendable, CaseIterable {
  case cpu, memory, pids
}

/// Whether the agent can give each attempt a cgroup of its own.
public enum Cgroups: Hashable, Sendable {
  case tree(CgroupTree)
  /// It cannot; why, in words.
  case none(String)
}

/// The part of the hierarchy of cgroup v2 that is the agent's. Each attempt gets a cgroup in it, made before its shim starts;
/// the shim removes it at the end, and the agent what a dead shim left.
public struct CgroupTree: Hashable, Sendable {
  public let folder: String
  /// How the names of this agent's cgroups begin: several agents may share the folder.
  public let prefix: String
  /// Those that hold for the attempts' cgroups.
  public let controllers: Set<CgroupController>

  /// Makes the cgroup of an attempt with its limits, and gives back its folder. Whatever stands under the name from a former
  /// try is ended.
  ///
  /// With `hasInit` one process more may be in it, the shim's own in a pid namespace.
  ///
  /// Throws `unsupported` for a limit whose controller the host does not give.
  func make(
    _ name: String, _ limits: RunSpec.Limits = RunSpec.Limits(), hasInit: Bool = false
  ) throws(ExecutionError) -> String {
    let path = "\(folder)/\(prefix)\(name)"
    if mkdir(path, 0o755) != 0 {
      guard errno == EEXIST else { throw ExecutionError(errno: errno, "cannot make the cgroup \(path)") }
      Self.end(path)
      guard mkdir(path, 0o755) == 0 else { throw ExecutionError(errno: errno, "cannot make the cgroup \(path)") }
    }
    do throws(ExecutionError) {
      try apply(limits, hasInit: hasInit, to: path)
      return path
    } catch {
      rmdir(path)
      throw error
    }
  }

  private func apply(_ limits: RunSpec.Limits, hasInit: Bool, to path: String) throws(ExecutionError) {
    if let memory = limits.memory {
      try set("memory.max", String(memory), in: path, .memory, "memory")
      // Where the host has no swap there is no such file.
      _ = Self.write("0", to: "\(path)/memory.swap.max")
      // All or nothing: a job that lost one process to the killer is no job any more.
      _ = Self.write("1", to: "\(path)/memory.oom.group")
    }
    if let cpus = limits.cpusThousandths {
      try set("cpu.max", "\(cpus * 100) 100000", in: path, .cpu, "cpus")
    }
    if let processes = limits.processes, controllers.contains(.pids) {
      try set("pids.max", String(processes + (hasInit ? 1 : 0)), in: path, .pids, "processes")
    }
  }

  private func set(
    _ file: String, _ text: String, in path: String, _ controller: CgroupController, _ limit: String
  ) throws(ExecutionError) {
    guard controllers.contains(controller) else { throw Self.missing(controller, for: limit) }
    var error = Self.write(text, to: "\(path)/\(file)")
    if error == ENOENT {
      // Whoever gave the agent its folder has made it anew, without what the agent had asked for in the old one.
      _ = Cgroups.enableControllers(in: folder)
      error = Self.write(text, to: "\(path)/\(file)")
    }
    guard error == 0 else { throw ExecutionError(errno: error, "cannot set \(file) of the attempt's cgroup") }
  }

  static func missing(_ controller: CgroupController, for limit: String) -> ExecutionError {
    ExecutionError(
      .unsupported,
      "limits.\(limit) cannot be held on this host: the agent has no '\(controller.rawValue)' controller of cgroup v2")
  }

  /// The attempts that have a cgroup, by the names that they were made with.
  public func names() -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    return readNames(stream).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }

  /// Kills what is left in the cgroup of an attempt and removes it.
  public func end(_ name: String) { Self.end("\(folder)/\(prefix)\(name)") }

  /// Kills everything in the cgroup and below, waits up to a second until it is gone, and removes them. Nothing happens when
  /// there is no such cgroup.
  static func end(_ path: String) {
    guard rmdir(path) != 0, errno != ENOENT else { return }
    _ = write("1", to: "\(path)/cgroup.kill")
    if let events = try? Descriptor(open: "\(path)/cgroup.events", O_RDONLY) {
      for _ in 0..<20 {
        let text = try? events.read(at: 0, limit: 256, name: "cgroup.events")
        if text.map({ String(decoding: $0, as: UTF8.self).contains("populated 0") }) ?? true { break }
        var change = pollfd(fd: events.number, events: Int16(POLLPRI), revents: 0)
        poll(&change, 1, 50)
      }
    }
    remove(path, depth: 0)
  }

  /// A job that is root may have made some of its own below.
  private static func remove(_ path: String, depth: Int) {
    guard rmdir(path) != 0, errno == EBUSY || errno == ENOTEMPTY, depth < 32, let stream = opendir(path) else { return }
    let names = readNames(stream)
    closedir(stream)
    for name in names {
      var status = stat()
      if lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        remove("\(path)/\(name)", depth: depth + 1)
      }
    }
    rmdir(path)
  }

  /// 0, or errno(3).
  static func write(_ text: String, to path: String) -> Int32 {
    let opened = open(path, O_WRONLY | O_CLOEXEC)
    guard opened >= 0 else { return errno }
    let file = Descriptor(owning: opened)
    return Glibc.write(file.number, text, text.utf8.count) == text.utf8.count ? 0 : errno
  }
}

/// The names in an open folder, `.` and `..` left out.
func readNames(_ stream: OpaquePointer) -> [String] {
  let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 19
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = String(
      cString: UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self))
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}
