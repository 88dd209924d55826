import Glibc
import Model
public import Platform

/// What a command may see and touch of its process beside files: one value, which tests replace.
public struct Surroundings: Sendable {
  public var environment: [String: String]
  /// The folder that relative paths count from.
  public var folder: String
  public var clock: WallClock
  /// Whether standard output is a terminal.
  public var isTerminal: Bool
  /// Characters that fit into a line of the terminal, or of what stands for one.
  public var columns: Int
  /// Writes all bytes to standard output, or throws.
  public var output: @Sendable ([UInt8]) throws -> Void
  /// Writes to standard error, as far as that is possible.
  public var errors: @Sendable ([UInt8]) -> Void
  /// Waits for a line of standard input; nil at its end, when there is nobody to ask.
  public var answer: @Sendable () -> String?

  public init(
    environment: [String: String], folder: String, clock: WallClock, isTerminal: Bool,
    columns: Int = Self.standardColumns, output: @escaping @Sendable ([UInt8]) throws -> Void,
    errors: @escaping @Sendable ([UInt8]) -> Void,
    answer: @escaping @Sendable () -> String?
  ) {
    self.environment = environment
    self.folder = folder
    self.clock = clock
    self.isTerminal = isTerminal
    self.columns = columns
    self.output = output
    self.errors = errors
    self.answer = answer
  }

  /// Where nothing says how wide a line may be.
  public static let standardColumns = 80

  /// Those of the command that runs.
  @TaskLocal public static var current = Surroundings.process
}

extension Surroundings {
  /// Who runs the command, as far as their environment tells; whom `sudo` was called by goes first.
  var person: String? {
    ["SUDO_USER", "LOGNAME", "USER"].lazy.compactMap { environment[$0].flatMap(Dispatch.personName) }.first
  }

  func print(_ text: String) throws { try output(Array(text.utf8)) }

  /// On a terminal with what it would obey escaped, which says the same in JSON.
  func print(_ json: JSONValue) throws {
    let text = json.prettyText
    guard isTerminal else { return try print(text) }
    try print(
      text.unicodeScalars.map { scalar in
        let isSafe = scalar == "\n" || TerminalText.neutralised(String(scalar)) == String(scalar)
        return isSafe ? String(scalar) : String(scalar).utf16.map(Self.escaped).joined()
      }.joined())
  }

  private static func escaped(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  /// For standard error; nothing for an empty text.
  func complain(_ text: String) { if !text.isEmpty { errors(Array(text.utf8)) } }
  func warn(_ text: String) { complain("warning: \(TerminalText.neutralised(text, keepingLines: true))\n") }

  /// Asks on standard error, so that standard output holds results only. Nil when there is nobody to ask.
  func confirms(_ question: String) -> Bool? {
    complain("\(question) [y/N] ")
    return answer().map { ["y", "yes"].contains($0.lowercased()) }
  }

  /// An absolute path.
  func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    return path == "." || path.isEmpty ? folder : folder + "/" + path
  }

  /// The path with links and `..` resolved, of something that exists; nil when it does not.
  func resolved(_ path: String) -> String? {
    guard let real = realpath(absolute(path), nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
