import Glibc
import Model

/// A program that knows secrets, such as a vault's client.
///
/// It gets the secret's name as its only argument, an empty standard input and the agent's environment, and prints the value.
/// What it says on standard error goes where the agent's log goes and nowhere else: it may hold what a receipt must not.
struct SecretCommand {
  /// Absolute.
  let path: String

  /// Throws `noSecret` when the program fails, says too much, or has not ended in time; then it is killed, with everything in
  /// its process group.
  func secret(_ name: SecretName, before deadline: Int) throws(ExecutionError) -> Secret {
    guard let ends = LinuxCalls.pipe() else { throw ExecutionError(errno: errno, "cannot ask for the secret \(name)") }
    let output = Descriptor(owning: ends.read)
    let process: pid_t
    do {
      let input = Descriptor(owning: ends.write)
      process = try start(name, output: input.number)
    }
    // With room for a newline, and for one byte more than is allowed.
    var bytes = [UInt8](repeating: 0, count: Secret.limit + 2)
    defer { Secret.overwrite(&bytes) }
    let count = Self.read(output.number, into: &bytes, before: deadline)
    let isTooLong = count == bytes.count
    let status = Self.end(process, isWanted: count != nil && !isTooLong, before: deadline)
    if isTooLong { return try Secret.checked(bytes[...], name.text) }
    guard let count, let status else {
      throw ExecutionError(.noSecret, "the command for secrets gave no answer for \(name) in time")
    }
    guard status == 0 else {
      let how = status & 0x7f == 0 ? "exit code \(status >> 8 & 0xff)" : "signal \(status & 0x7f)"
      throw ExecutionError(.noSecret, "the command for secrets failed for \(name): \(how)")
    }
    return try Secret.checked(bytes[..<count], name.text)
  }

  private func start(_ name: SecretName, output: Int32) throws(ExecutionError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    var pid: pid_t = 0
    let failure = withCStrings([path, name.text]) { arguments in
      withCStrings(Self.environment()) { posix_spawn(&pid, path, &actions, &attributes, arguments, $0) }
    }
    guard failure == 0 else {
      throw ExecutionError(.noSecret, "the command for secrets cannot be started: \(systemMessage(failure))")
    }
    return pid
  }

  /// The agent's, as it was started with.
  private static func environment() -> [String] {
    guard let file = try? Descriptor(open: "/proc/self/environ", O_RDONLY),
      let bytes = try? file.read(at: 0, limit: 1 << 20, name: "environ")
    else { return [] }
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  /// How many bytes there were, at most as many as there is room for; nil when it has not ended in time.
  private static func read(_ pipe: Int32, into bytes: inout [UInt8], before deadline: Int) -> Int? {
    var count = 0
    while count < bytes.count {
      let left = deadline - MonotonicTime.now
      guard left > 0 else { return nil }
      var waiting = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, Int32(left)) > 0 else { continue }
      let got = bytes.withUnsafeMutableBytes { Glibc.read(pipe, $0.baseAddress?.advanced(by: count), $0.count - count) }
      if got < 0, errno == EINTR { continue }
      if got <= 0 { break }
      count += got
    }
    return count
  }

  /// Waits for the end, and brings it about at the deadline, or at once when nobody wants to know more. The status of waitpid(2);
  /// nil when it had to be killed.
  private static func end(_ process: pid_t, isWanted: Bool, before deadline: Int) -> Int32? {
    let opened = LinuxCalls.pidfdOpen(process)
    defer { if opened >= 0 { close(opened) } }
    var hasEnded = false
    while opened >= 0, isWanted {
      let left = deadline - MonotonicTime.now
      var waiting = pollfd(fd: opened, events: Int16(POLLIN), revents: 0)
      if poll(&waiting, 1, Int32(max(0, left))) > 0 {
        hasEnded = true
        break
      }
      if left <= 0 { break }
    }
    // Also what it has left behind in its group. It is not reaped yet, so the number is its own.
    kill(-process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return hasEnded ? status : nil
  }
}
