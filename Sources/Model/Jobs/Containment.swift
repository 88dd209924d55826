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

    public init(files: Int? = nil, nice: Int? = nil) {
      self.files = files
      self.nice = nice
    }

    public static let filesRange = 16...1_048_576
    public static let niceRange = -20...19
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
