import Glibc

extension RunFolder {
  /// Kills what a shim that was killed could not clean up: all that is in the attempt's cgroup, and every process that still
  /// carries the run's id and attempt in its environment. Gives back how many of the latter there were.
  ///
  /// A process is named by a descriptor before it is looked at, so no stranger that got its pid later can be hit. One
  /// that has overwritten its environment, or belongs to another user when the agent is not root, is not found.
  @discardableResult
  public func killLeftovers() -> Int {
    let spec = spec()
    if let cgroup = spec?.cgroup { CgroupTree.end(cgroup) }
    let marks = marks(of: spec)
    guard !marks.isEmpty else { return 0 }
    var killed: Set<Int32> = []
    // A dying parent may just have forked. Each pass is over all processes; a pass that finds none is the last.
    for _ in 0..<100 {
      let found = Self.processes().filter { Self.kill($0, ifMarked: marks) }
      if found.isEmpty { break }
      killed.formUnion(found)
    }
    return killed.count
  }

  /// What the shim was told; nil when the folder has no spec that can be read.
  func spec() -> ShimSpec? {
    guard let folder = try? open() else { return nil }
    for name in ["spec", "spec.revoked"] {
      guard let bytes = try? folder.open(name, O_RDONLY).readWhole(limit: ShimSpec.limit, name: name),
        let spec = try? ShimSpec(parsing: bytes)
      else { continue }
      return spec
    }
    return nil
  }

  /// The variables that no other attempt has.
  private func marks(of spec: ShimSpec?) -> [[UInt8]] {
    guard let run = spec?.environment["BELFRY_RUN_ID"], let attempt = spec?.environment["BELFRY_ATTEMPT"] else {
      return []
    }
    return [Array("BELFRY_RUN_ID=\(run)".utf8), Array("BELFRY_ATTEMPT=\(attempt)".utf8)]
  }

  private static func processes() -> [Int32] {
    guard let stream = opendir("/proc") else { return [] }
    defer { closedir(stream) }
    return readNames(stream).compactMap { Int32($0) }
  }

  private static func kill(_ pid: Int32, ifMarked marks: [[UInt8]]) -> Bool {
    let opened = LinuxCalls.pidfdOpen(pid)
    guard opened >= 0 else { return false }
    let process = Descriptor(owning: opened)
    guard let file = try? Descriptor(open: "/proc/\(pid)/environ", O_RDONLY),
      let bytes = try? file.read(at: 0, limit: 4 << 20, name: "environ"), !bytes.isEmpty
    else { return false }
    let variables = Set(bytes.split(separator: 0).map(Array.init))
    guard marks.allSatisfy(variables.contains) else { return false }
    guard LinuxCalls.pidfdSendSignal(process.number, SIGKILL) == 0 else { return false }
    // Whoever is told that the attempt is over may start the next one: not beside a process that is still dying.
    var end = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
    poll(&end, 1, 1_000)
    return true
  }
}
