import Glibc
import Model

/// The programs that run what is no script and no command of the host: plug-ins, and the one for `run.http`.
public struct Executors: Sendable {
  /// Absolute; where plug-ins are looked for, in this order.
  public var plugIns: [String]
  /// The program for `run.http`; nil looks beside the running one.
  public var http: String?

  public static let usualPlugIns = ["/usr/local/libexec/belfry/plugins", "/usr/libexec/belfry/plugins"]
  /// Whether `run.http` may ask link-local addresses, where hosts in a cloud find their credentials.
  public var allowsLinkLocal = false

  static let httpProgram = "belfry-executor-http"

  public init(plugIns: [String] = Executors.usualPlugIns, http: String? = nil) {
    self.plugIns = plugIns
    self.http = http
  }

  /// What the program's executor is called; nil when the program runs by itself.
  static func name(for program: RunSpec.Program) -> String? {
    switch program {
    case .script, .command: nil
    case .plugIn(let call): call.name.program
    case .http: httpProgram
    }
  }

  /// The path of what runs the program; nil when the program runs by itself. Throws `noExecutor`.
  func path(for program: RunSpec.Program) throws(ExecutionError) -> String? {
    switch program {
    case .script, .command: return nil
    case .plugIn(let call): return try plugIn(call.name)
    case .http:
      guard let path = http ?? ProgramLocation.find(Self.httpProgram), access(path, X_OK) == 0 else {
        throw ExecutionError(.noExecutor, "\(Self.httpProgram) is neither beside the agent nor in ../libexec/belfry")
      }
      return path
    }
  }

  /// What anybody else may change is no plug-in: it runs as the job's user, which may be root. A folder of the path that others
  /// may write to is refused and not passed over, because nobody should rely on it.
  private func plugIn(_ name: PlugInName) throws(ExecutionError) -> String {
    for place in plugIns {
      let file: Descriptor
      do throws(ExecutionError) {
        let folder = try Descriptor(open: place, O_RDONLY | O_DIRECTORY)
        try Self.check(try folder.status(place), S_IFDIR, place)
        file = try folder.open(name.program, O_RDONLY | O_NONBLOCK)
      } catch {
        switch error.code {
        case .missing: continue
        case .noExecutor: throw error
        default: throw ExecutionError(.noExecutor, "the plug-in \(name) cannot be used: \(error)")
        }
      }
      let path = "\(place)/\(name.program)"
      let status = try file.status(path)
      try Self.check(status, S_IFREG, path)
      guard status.st_mode & 0o111 != 0 else { throw ExecutionError(.noExecutor, "\(path) has no run bit") }
      return path
    }
    throw ExecutionError(
      .noExecutor,
      "this agent has no plug-in \(name): there is no \(name.program) in \(plugIns.joined(separator: " or "))")
  }

  private static func check(_ status: stat, _ kind: mode_t, _ path: String) throws(ExecutionError) {
    guard status.st_mode & S_IFMT == kind else {
      throw ExecutionError(.noExecutor, "\(path) is not a \(kind == S_IFDIR ? "folder" : "regular file")")
    }
    guard status.st_uid == 0 || status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
      throw ExecutionError(.noExecutor, "\(path) may be changed by others than root: chown root, chmod 755")
    }
  }
}

/// What an executor reads on its standard input: one JSON object in one line.
enum ExecutorInput {
  static let version = 1
  /// Bytes; what the shim takes.
  static let limit = 1 << 20

  /// Nil for what has no executor. Throws `tooLarge`.
  static func bytes(of attempt: AttemptSpec) throws(ExecutionError) -> [UInt8]? {
    let with: JSONValue
    switch attempt.program.program {
    case .script, .command: return nil
    case .plugIn(let call): with = call.with
    case .http(let request): with = request.json
    }
    let start = JSONValue.members([
      "version": .integer(Int64(version)), "job": .string(attempt.occurrence.job.text),
      "run": .string(attempt.run.text),
      "attempt": .integer(Int64(attempt.number)), "agent": .string(attempt.agent.text),
      "nominal": .timestamp(attempt.occurrence.nominal),
      "cause": .string(attempt.occurrence.cause == .schedule ? "schedule" : "person"),
      "commit": .string(attempt.commit.text),
    ])
    // A decimal parameter is a number here, which no JSON value of ours can be.
    let text = "\(start.text.dropLast()),\"params\":\(RunEnvironment.json(attempt.params)),\"with\":\(with.text)}\n"
    guard text.utf8.count <= limit else { throw ExecutionError(.tooLarge, "the executor's input is too large") }
    return Array(text.utf8)
  }
}
