/// Why a text cannot be a name; `description` says what is wrong and what a good name looks like.
public struct NameError: Error, Equatable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// The name of a job, such as `orders/backup`: up to 4 segments of `[a-z0-9]([a-z0-9._-]*[a-z0-9])?`, 100 bytes in all.
///
/// The grammar leaves nothing that could be a path trick (`..`, a leading dot, a NUL), because names become
/// folders of the results branch.
public struct JobName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  /// Throws a ``NameError`` when `text` breaks the grammar.
  public init(_ text: String) throws(NameError) {
    guard !text.isEmpty else { throw NameError("a job's name must not be empty") }
    guard text.utf8.count <= 100 else { throw NameError("a job's name has at most 100 characters") }
    let segments = text.split(separator: "/", omittingEmptySubsequences: false)
    guard segments.count <= 4 else { throw NameError("a job's name has at most 4 segments between slashes") }
    for segment in segments {
      if let problem = NameGrammar.problem(in: segment) { throw NameError("in '\(text)': \(problem)") }
    }
    self.text = text
  }

  public var description: String { text }
  public static func < (a: JobName, b: JobName) -> Bool { a.text < b.text }
}

/// The name that people use for an agent: its host name unless configured; one segment of a ``JobName``'s grammar,
/// 63 bytes.
public struct AgentName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  /// Throws a ``NameError`` when `text` breaks the grammar.
  public init(_ text: String) throws(NameError) {
    guard text.utf8.count <= 63 else { throw NameError("an agent's name has at most 63 characters") }
    if let problem = NameGrammar.problem(in: text[...]) { throw NameError("in '\(text)': \(problem)") }
    self.text = text
  }

  public var description: String { text }
  public static func < (a: AgentName, b: AgentName) -> Bool { a.text < b.text }
}

/// The identity of an agent for as long as its state folder lives: a UUID in lower-case hexadecimal (RFC 9562
/// section 4).
public struct AgentID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  /// Throws a ``NameError`` unless `text` is 8-4-4-4-12 lower-case hexadecimal digits.
  public init(_ text: String) throws(NameError) {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], groups.allSatisfy({ $0.utf8.allSatisfy(isLowerHex) }) else {
      throw NameError("'\(text.prefix(60))' is not an agent id: want a UUID in lower-case hexadecimal")
    }
    self.text = text
  }

  /// The version 4 UUID made of 16 random bytes.
  public init(random bytes: (UInt64, UInt64)) {
    let high = bytes.0 & 0xffff_ffff_ffff_0fff | 0x4000
    let low = bytes.1 & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    let digits = hexDigits(high) + hexDigits(low)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text.append("-") }
      text.append(digit)
    }
    self.text = text
  }

  public var description: String { text }
  public static func < (a: AgentID, b: AgentID) -> Bool { a.text < b.text }
}

/// A git object id in lower-case hexadecimal: 40 digits (SHA-1) or 64 (SHA-256).
public struct CommitID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  /// Throws a ``NameError`` unless `text` is 40 or 64 lower-case hexadecimal digits.
  public init(_ text: String) throws(NameError) {
    guard text.utf8.count == 40 || text.utf8.count == 64, text.utf8.allSatisfy(isLowerHex) else {
      throw NameError("'\(text.prefix(70))' is not a full commit id")
    }
    self.text = text
  }

  public var description: String { text }
  /// The first 9 digits, as people quote commits.
  public var short: String { String(text.prefix(9)) }
}

enum NameGrammar {
  /// What is wrong with one segment of a name, or nil.
  static func problem(in segment: Substring) -> String? {
    guard let first = segment.utf8.first, let last = segment.utf8.last else { return "a segment is empty" }
    guard isNameEdge(first), isNameEdge(last) else {
      return "'\(segment.prefix(60))' must begin and end with a lower-case letter or a digit"
    }
    for byte in segment.utf8 where !(isNameEdge(byte) || [0x2e, 0x5f, 0x2d].contains(byte)) {
      return "'\(segment.prefix(60))' may hold only lower-case letters, digits, '.', '_' and '-'"
    }
    if segment.utf8.elementsEqual("..".utf8) { return "'..' is not a name" }
    return nil
  }

  private static func isNameEdge(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
  }
}

func isLowerHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

/// The 16 lower-case hexadecimal digits of a word.
func hexDigits(_ word: UInt64) -> String {
  let text = String(word, radix: 16)
  return String(repeating: "0", count: 16 - text.utf8.count) + text
}
