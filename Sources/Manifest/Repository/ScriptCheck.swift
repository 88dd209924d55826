import Model

/// Looks at the beginning of a script for what would make every run of it fail.
public enum ScriptCheck {
  /// How many bytes of a script are enough: the kernel reads as many of a `#!` line (Linux, BINPRM_BUF_SIZE).
  public static let headBytes = 256

  /// What is wrong, and what to do about it.
  public struct Problem: Hashable, Sendable {
    public let message: String
    public let suggestion: String?

    init(_ message: String, _ suggestion: String? = nil) {
      self.message = message
      self.suggestion = suggestion
    }
  }

  /// The first problem; nil when the script can be run.
  ///
  /// `firstBytes` are the file's first ``headBytes`` bytes or more, `executable` says that git has its mode as 100755,
  /// `interpreter` is the job's own, if it names one: then the script needs neither `#!` line nor run bit.
  public static func problem(path: String, firstBytes: [UInt8], executable: Bool, interpreter: [String]?) -> Problem? {
    if interpreter != nil { return nil }
    let name = Legible.quoted(path)
    if TextCheck.hasByteOrderMark(firstBytes) {
      return Problem("\(name) begins with a byte order mark, so its #! line is not seen", "save it without one")
    }
    guard firstBytes.starts(with: Array("#!".utf8)) else {
      return Problem(
        "\(name) has no #! line", "begin it with one such as '#!/bin/sh', or name an interpreter in the manifest")
    }
    let head = firstBytes.prefix(headBytes)
    guard let end = head.firstIndex(of: 0x0a) ?? (firstBytes.count < headBytes ? head.endIndex : nil) else {
      return Problem("the #! line of \(name) has more than \(headBytes) bytes")
    }
    let line = head[2..<end]
    if line.contains(0x0d) {
      return Problem(
        "the #! line of \(name) ends with CR LF, so the kernel would look for an interpreter with a CR in its name",
        "save it with LF; '*.sh text eol=lf' in .gitattributes keeps it so")
    }
    if let problem = interpreterProblem(line, name) { return problem }
    guard !executable else { return nil }
    return Problem("\(name) has no run bit in git", "git update-index --chmod=+x \(shellWord(path))")
  }

  private static func interpreterProblem(_ line: ArraySlice<UInt8>, _ name: String) -> Problem? {
    let words = line.split { $0 == 0x20 || $0 == 0x09 }
    guard let program = words.first else { return Problem("the #! line of \(name) names no interpreter") }
    let text = String(decoding: program, as: UTF8.self)
    guard text.hasPrefix("/") else {
      return Problem(
        "the interpreter \(Legible.quoted(text)) of \(name) is not an absolute path",
        "such as '#!/usr/bin/env \(Legible.text(text.split(separator: "/").last.map(String.init) ?? "bash"))'")
    }
    if words.count == 1, text == "/usr/bin/env" { return Problem("the #! line of \(name) gives env no program") }
    return nil
  }

  /// The text as one word of a shell's line.
  private static func shellWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "/._-+".utf8.contains($0) }
    return isPlain
      ? text
      : ShellWord.quoted(Legible.text(text))
  }
}
