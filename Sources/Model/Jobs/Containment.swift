extension RunSpec {
  /// How a run is stopped when its time is up or somebody cancels it: first asked, then made to.
  public struct Kill: Hashable, Sendable {
    /// What it is asked with; each may be handled by the program.
    public enum Signal: String, Hashable, Sendable, CaseIterable {
      case term = "TERM"
      case int = "INT"
      case hup = "HUP"
      case quit = "QUIT"
      case usr1 = "USR1"
      case usr2 = "USR2"
    }

    public var signal: Signal
    /// From the signal to KILL; up to ten minutes.
    public var grace: Duration

    public init(signal: Signal = .term, grace: Duration = .seconds(10)) {
      self.signal = signal
      self.grace = grace
    }
  }

  /// What a run may take of its host; nil is what the agent itself may.
  public struct Limits: Hashable, Sendable {
    /// Open files of each process, `RLIMIT_NOFILE` of setrlimit(2); 16...1,048,576.
    public var files: Int?
    /// The nice value of setpriority(2), -20...19.
    public var nice: Int?
    /// Bytes of memory of all its processes together, what the kernel keeps for them included.
    public var memory: Int?
    /// Processors' time of all its processes together, in thousandths of one processor.
    public var cpusThousandths: Int?
    /// Processes and threads that it may have at a time.
    public var processes: Int?
    /// Bytes on disk below its working folder, and of each file that it writes anywhere.
    public var disk: Int?
    /// Bytes that the record of an attempt's output may take on the agent's disk; nil: ``defaultOutput``.
    public var output: Int?

    public init(
      files: Int? = nil, nice: Int? = nil, memory: Int? = nil, cpusThousandths: Int? = nil, processes: Int? = nil,
      disk: Int? = nil, output: Int? = nil
    ) {
      self.files = files
      self.nice = nice
      self.memory = memory
      self.cpusThousandths = cpusThousandths
      self.processes = processes
      self.disk = disk
      self.output = output
    }

    public static let filesRange = 16...1_048_576
    public static let niceRange = -20...19
    /// With less no program comes as far as its first instruction.
    public static let memoryRange = 4 << 20...16 << 40
    /// The kernel gives no less than 1 ms of a 100 ms period.
    public static let cpusThousandthsRange = 10...1_024_000
    public static let processesRange = 1...4_194_304
    public static let diskRange = 64 << 10...1 << 50
    public static let outputRange = 64 << 10...1 << 30
    public static let defaultOutput = 1 << 20
  }

  /// How far a run is kept apart from its host.
  public enum Isolation: String, Hashable, Sendable, CaseIterable {
    /// As any program of its user.
    case none
    /// It changes no file of the host but what it is given: its working folder, a private `/tmp`, and ``RunSpec/write``.
    case files
    /// As `files`, and it sees no process, no network and no device of the host.
    case full
  }

  /// How many paths ``RunSpec/write`` may name.
  public static let writeLimit = 32

  /// Why a text is no path for ``RunSpec/write``; nil when it is one.
  public static func problem(inWritten path: String) -> String? {
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    guard path.hasPrefix("/"), path.utf8.count <= 1_024,
      path.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
    else { return "a path that may be written is absolute, of at most 1024 printable bytes" }
    guard segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
      return path == "/"
        ? "all of the host is what 'isolate: none' lets it write"
        : "a path that may be written has no empty segment and no '.' or '..'"
    }
    return nil
  }

  /// Bytes of standard input.
  public static let inputLimit = 64 << 10
  public static let longestGrace = Duration.seconds(600)

  /// Why a text is no name of a user as useradd(8) makes them; nil when it is one.
  public static func problem(inUser name: String) -> String? {
    if name.allSatisfy(\.isNumber) { return "a number is another user on another host: write the user's name" }
    let rest = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    guard let first = name.first, name.count <= 32, name.allSatisfy(rest.contains), first == "_" || first.isLetter
    else {
      return "a user's name has up to 32 letters, digits, '.', '_' and '-', and begins with a letter or '_'"
    }
    return nil
  }
}
