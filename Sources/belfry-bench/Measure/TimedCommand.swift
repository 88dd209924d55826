import Foundation

/// A program started with `posix_spawn`, which shares this process's memory until the exec: the cheapest start that
/// there is, whatever the size of this process. Floors and peers are timed with it.
struct TimedCommand {
  private let words: [String]
  private let variables: [String]

  init(_ words: [String]) {
    self.words = words
    let inherited = ProcessInfo.processInfo.environment.merging(QuietGit.variables) { $1 }
    variables = inherited.map { "\($0)=\($1)" }
  }

  static func git(_ words: String..., in repository: String) -> TimedCommand {
    TimedCommand(["git", "-C", repository] + words)
  }

  /// Seconds from start to end; throws unless the program ends with 0.
  func seconds(input: String = "/dev/null", output: String = "/dev/null") throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let process = try spawn(input: input, output: output)
    let status = Self.wait(for: process)
    let seconds = (clock.now - start).inSeconds
    guard status == 0 else { throw BenchError("\(words.joined(separator: " ")): status \(status)") }
    return seconds
  }

  /// Starts the program. Output is appended to a file, and so are errors to nothing.
  func spawn(input: String, output: String) throws(BenchError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_APPEND | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
    defer { for pointer in arguments + environment { free(pointer) } }
    var process = pid_t()
    let code = posix_spawnp(&process, words[0], &actions, nil, &arguments, &environment)
    guard code == 0 else { throw BenchError("cannot start \(words[0]): \(String(cString: strerror(code)))") }
    return process
  }

  /// The wait status.
  static func wait(for process: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) == -1, errno == EINTR {}
    return status
  }
}
