import Glibc
public import Model

/// What the shim is told: one attempt, complete. The format stands in Sources/shim/spec.h.
public struct ShimSpec: Hashable, Sendable {
  /// A path, or a name that is looked up on the run's own PATH.
  public var program: String
  /// argv, the program's own name included; at least one.
  public var arguments: [String]
  public var environment: [String: String]
  /// From the start; at least 1 µs.
  public var timeout: Duration
  /// From TERM to KILL.
  public var grace: Duration
  /// How long what the job leaves behind may go on after the job's own end, before TERM.
  public var linger: Duration
  /// Sizes of the output record's two parts (Sources/shim/output.h), in whole blocks of 4096 bytes up to 1 GiB.
  public var head: Int
  public var tail: Int
  /// A descriptor that the job inherits under this number, such as its script in sealed memory.
  public var descriptor: Int32?
  public var crashAt: ShimCrashPoint?
  /// Nil: at once.
  public var start: StartTime?
  /// Nil: as the shim.
  public var user: JobUser?
  /// -20...19; nil: as the shim.
  public var nice: Int?
  /// Open files of each process, from 3; nil: as the shim.
  public var openFiles: Int?
  /// The number of the signal that asks the job to end, 1...31.
  public var stopSignal = SIGTERM
  /// Standard input, at most 1 MiB; nil: an empty one.
  public var input: [UInt8]?
  /// The folder of the attempt's own cgroup, which exists; nil: none.
  public var cgroup: String?
  /// Processes of the job's user on the whole host, from 1; nil: as the shim.
  public var userProcesses: Int?
  /// Bytes on disk of the working folder, and of each file that the job writes, from 1; nil: no bound of its own.
  public var disk: Int?
  /// Nil: it is as any program of its user.
  public var isolation: Isolation?

  /// What an isolated job sees of its host. Paths are absolute; at most 64 of each kind. All but what is given exist.
  public struct Isolation: Hashable, Sendable {
    /// With namespaces of its own for processes, network, IPC and host name, and devices of its own.
    public var isFull: Bool
    /// What is its own and may be written, the working folder first.
    public var writable: [String]
    /// What of the host it may write. The attempt does not begin when one is not there or is never given
    /// (Sources/shim/given.h): looking is the shim's, because a file system that has lost its server lets one wait for ever.
    public var given: [String]
    /// What it is to see, though it lies in what is hidden or private.
    public var shown: [String]
    /// Folders that it is not to see into.
    public var hidden: [String]
    /// The folder that `/tmp` and `/var/tmp` become.
    public var passing: String

    public init(
      isFull: Bool, writable: [String], given: [String] = [], shown: [String] = [], hidden: [String] = [],
      passing: String
    ) {
      self.isFull = isFull
      self.writable = writable
      self.given = given
      self.shown = shown
      self.hidden = hidden
      self.passing = passing
    }

    static let pathLimit = 64
  }
  /// The absolute path of a folder whose `work/` is the working folder in place of the run folder's. The shim locks it.
  public var keptFolder: String?

  /// A descriptor with the run's secrets, for the shim alone.
  public var secrets: Int32?
  /// The folder with the secrets as files, which the shim removes at the end.
  public var secretsFolder: String?

  /// When an armed attempt starts, by CLOCK_REALTIME.
  public struct StartTime: Hashable, Sendable {
    public var at: Timestamp
    /// Should the clock show a later time when it comes to it, it does not start any more.
    public var by: Timestamp

    public init(at: Timestamp, by: Timestamp) {
      self.at = at
      self.by = by
    }
  }

  public init(
    program: String, arguments: [String], environment: [String: String] = [:], timeout: Duration = .seconds(3600),
    grace: Duration = .seconds(10), linger: Duration = .seconds(1), head: Int = 512 << 10, tail: Int = 508 << 10,
    descriptor: Int32? = nil, crashAt: ShimCrashPoint? = nil, start: StartTime? = nil
  ) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.timeout = timeout
    self.grace = grace
    self.linger = linger
    self.head = head
    self.tail = tail
    self.descriptor = descriptor
    self.crashAt = crashAt
    self.start = start
  }
}

extension ShimSpec {
  /// Has the output kept in at most so many bytes on disk, from three blocks on: one of them says what it is, the others
  /// are head and tail.
  mutating func keepOutput(in bytes: Int) {
    let blocks = max(3, bytes / OutputBlock.size) - 1
    head = blocks / 2 * OutputBlock.size
    tail = (blocks - blocks / 2) * OutputBlock.size
  }

  static let magic = Array("BFSPEC01".utf8)
  static let end: UInt32 = 0xffff_ffff
  /// Bytes of a whole spec; the shim refuses more.
  static let limit = 8 << 20

  enum Tag: UInt32 {
    case program = 1
    case argument, variable, timeout, grace, linger, head, tail, descriptor, crash, startAt, startBy
    case user, group, groups, nice, openFiles, stopSignal, input
    case cgroup, userProcesses, disk, isolation, writable, shown, hidden, passing, given
    case keptFolder = 45
    case secrets = 50
    case secretsFolder
  }

  /// As the shim reads it. Throws `refused` for a NUL in a text, which would cut it, and `tooLarge`.
  func bytes() throws(ExecutionError) -> [UInt8] {
    var out = Self.magic
    try Self.append(.program, program, to: &out)
    for argument in arguments { try Self.append(.argument, argument, to: &out) }
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      try Self.append(.variable, "\(name)=\(value)", to: &out)
    }
    Self.append(.timeout, max(1, timeout.wholeMicroseconds), to: &out)
    Self.append(.grace, max(0, grace.wholeMicroseconds), to: &out)
    Self.append(.linger, max(0, linger.wholeMicroseconds), to: &out)
    Self.append(.head, Int64(head), to: &out)
    Self.append(.tail, Int64(tail), to: &out)
    if let descriptor { Self.append(.descriptor, Int64(descriptor), to: &out) }
    if let crashAt { try Self.append(.crash, crashAt.rawValue, to: &out) }
    if let start {
      Self.append(.startAt, max(1, start.at.microseconds), to: &out)
      Self.append(.startBy, max(1, start.by.microseconds), to: &out)
    }
    if let user {
      Self.append(.user, Int64(user.id), to: &out)
      Self.append(.group, Int64(user.group), to: &out)
      var groups: [UInt8] = []
      for group in user.groups { groups.append(littleEndian: group) }
      Self.append(.groups, groups, to: &out)
    }
    if let nice { Self.append(.nice, Int64(nice + 20), to: &out) }
    if let openFiles { Self.append(.openFiles, Int64(openFiles), to: &out) }
    if stopSignal != SIGTERM { Self.append(.stopSignal, Int64(stopSignal), to: &out) }
    if let input { Self.append(.input, input, to: &out) }
    if let cgroup { try Self.append(.cgroup, cgroup, to: &out) }
    if let userProcesses { Self.append(.userProcesses, Int64(userProcesses), to: &out) }
    if let disk { Self.append(.disk, Int64(disk), to: &out) }
    if let isolation { try Self.append(isolation, to: &out) }
    if let keptFolder { try Self.append(.keptFolder, keptFolder, to: &out) }
    if let secrets { Self.append(.secrets, Int64(secrets), to: &out) }
    if let secretsFolder { try Self.append(.secretsFolder, secretsFolder, to: &out) }
    out.append(littleEndian: Self.end)
    out.append(littleEndian: UInt32(0))
    guard out.count <= Self.limit else { throw ExecutionError(.tooLarge, "arguments and environment are too large") }
    return out
  }

  private static func append(_ isolation: Isolation, to out: inout [UInt8]) throws(ExecutionError) {
    append(.isolation, isolation.isFull ? 2 : 1, to: &out)
    try append(.writable, isolation.writable, to: &out)
    try append(.shown, isolation.shown, to: &out)
    try append(.hidden, isolation.hidden, to: &out)
    try append(.passing, isolation.passing, to: &out)
    try append(.given, isolation.given, to: &out)
  }

  private static func append(_ tag: Tag, _ paths: [String], to out: inout [UInt8]) throws(ExecutionError) {
    guard paths.count <= Isolation.pathLimit else {
      throw ExecutionError(.tooLarge, "too many paths for an isolated job")
    }
    for path in paths { try append(tag, path, to: &out) }
  }

  private static func append(_ tag: Tag, _ number: Int64, to out: inout [UInt8]) {
    out.append(littleEndian: tag.rawValue)
    out.append(littleEndian: UInt32(8))
    out.append(littleEndian: number)
  }

  private static func append(_ tag: Tag, _ bytes: [UInt8], to out: inout [UInt8]) {
    out.append(littleEndian: tag.rawValue)
    out.append(littleEndian: UInt32(bytes.count))
    out += bytes
  }

  private static func append(_ tag: Tag, _ text: String, to out: inout [UInt8]) throws(ExecutionError) {
    guard !text.utf8.contains(0) else { throw ExecutionError(.refused, "an argument or a variable holds a NUL") }
    guard text.utf8.count < limit else { throw ExecutionError(.tooLarge, "an argument or a variable is too large") }
    out.append(littleEndian: tag.rawValue)
    out.append(littleEndian: UInt32(text.utf8.count + 1))
    out += text.utf8
    out.append(0)
  }
}
