/// The `#!` line of a script, read by the kernel's rules (execve(2), "Interpreter scripts").
///
/// We read it ourselves from the bytes that were hashed, because the kernel would read it from a path.
public struct Shebang: Hashable, Sendable {
  /// Absolute.
  public var interpreter: String
  /// The rest of the line is one argument, blanks inside it included.
  public var argument: String?

  public init(interpreter: String, argument: String? = nil) {
    self.interpreter = interpreter
    self.argument = argument
  }

  /// How many bytes of a script the kernel looks at (BINPRM_BUF_SIZE).
  public static let headBytes = 256

  /// Reads the line from the beginning of a script; `path` is for the message. Throws `unusableScript`.
  public init(script bytes: some Collection<UInt8>, path: String) throws(ExecutionError) {
    func unusable(_ problem: String) -> ExecutionError { ExecutionError(.unusableScript, "\(path) \(problem)") }
    let head = Array(bytes.prefix(Self.headBytes))
    guard !head.starts(with: [0xef, 0xbb, 0xbf]) else {
      throw unusable("begins with a byte order mark, so its #! line is not seen: save it without one")
    }
    guard head.starts(with: Array("#!".utf8)) else {
      throw unusable("has no #! line: begin it with one such as '#!/bin/sh', or set run.interpreter")
    }
    guard let end = head.firstIndex(of: 0x0a) ?? (head.count < Self.headBytes ? head.count : nil) else {
      throw unusable("has a #! line of more than \(Self.headBytes) bytes")
    }
    let line = head[2..<end]
    guard !line.contains(0x0d) else {
      throw unusable("has a #! line that ends with CR LF, as on Windows: save it with LF")
    }
    guard !line.contains(0) else { throw unusable("has a NUL in its #! line") }
    let trimmed = Self.trimmed(line)
    let word = trimmed.prefix { !Self.isBlank($0) }
    guard word.first == 0x2f else {
      throw unusable(word.isEmpty ? "has a #! line without interpreter" : "has a #! line without an absolute path")
    }
    let rest = Self.trimmed(trimmed.dropFirst(word.count))
    guard let interpreter = String(validating: word, as: UTF8.self),
      let argument = String(validating: rest, as: UTF8.self)
    else { throw unusable("has a #! line that is not UTF-8") }
    self.init(interpreter: interpreter, argument: argument.isEmpty ? nil : argument)
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let start = line.drop(while: isBlank)
    return start.prefix(upTo: (start.lastIndex { !isBlank($0) } ?? start.startIndex - 1) + 1)
  }
}
