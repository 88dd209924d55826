/// Why a text is no pattern.
public struct GlobError: Error, Hashable, Sendable {
  public let message: String
  public let suggestion: String?

  init(_ message: String, suggestion: String? = nil) {
    self.message = message
    self.suggestion = suggestion
  }
}

/// A pattern of paths in a repository: `*` any text without `/`, `?` one character, `[a-z]` and `[!a-z]` one of a set,
/// `**` as a whole segment any folders or none (as the last one: everything below). All else stands for itself; upper
/// and lower case differ; names that begin with a dot are nothing special.
public struct Glob: Hashable, Sendable {
  /// As written.
  public let text: String
  let segments: [GlobSegment]
  /// The whole folders that every match begins with, with a `/` at the end; empty when there are none.
  public let folder: String

  /// Throws a ``GlobError`` for a pattern that is malformed, or whose matches could not be paths that
  /// ``RepositoryPath`` allows.
  public init(_ text: String) throws(GlobError) {
    guard text.utf8.count <= 1_024 else { throw GlobError("the pattern has more than 1024 bytes") }
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != 0x5c }) else {
      throw GlobError("the pattern holds a control character or a backslash")
    }
    guard !text.hasPrefix("/") else { throw GlobError("the pattern must be relative to the repository's root") }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 32 else { throw GlobError("the pattern has more than 32 segments") }
    if parts.last == "", parts.count > 1 {
      throw GlobError(
        "the pattern ends with '/'", suggestion: "write '\(TerminalText.neutralised(text))**' for all below the folder")
    }
    var segments: [GlobSegment] = []
    for part in parts {
      let segment = try GlobSegment(part)
      // Two in a row mean the same as one.
      if segment != .anyFolders || segments.last != .anyFolders { segments.append(segment) }
    }
    self.text = text
    self.segments = segments
    let literal = segments.dropLast().prefix { $0.literal != nil }
    folder = literal.compactMap(\.literal).map { String(decoding: $0, as: UTF8.self) + "/" }.joined()
  }

  /// How many segments the paths have that it matches; nil when that may be any number.
  public var depth: Int? { segments.contains(.anyFolders) ? nil : segments.count }

  /// The one path that the pattern can match, when it has no special character.
  public var literalPath: String? { segments.allSatisfy { $0.literal != nil } ? text : nil }

  /// Whether the path matches. Takes time in proportion to the product of both lengths at most.
  public func matches(_ path: String) -> Bool {
    var path = path
    return path.withUTF8 { GlobMatcher(path: $0, pattern: segments).matches() }
  }
}

/// One segment of a pattern, between slashes.
enum GlobSegment: Hashable, Sendable {
  /// `**`
  case anyFolders
  /// No special character.
  case literal([UInt8])
  case pieces([GlobPiece])

  var literal: [UInt8]? { if case .literal(let bytes) = self { bytes } else { nil } }
}

enum GlobPiece: Hashable, Sendable {
  case byte(UInt8)
  case anyCharacter
  case anyText
  /// Ranges of Unicode scalars.
  case oneOf([ClosedRange<UInt32>], isNegated: Bool)
}

extension GlobSegment {
  init(_ text: Substring) throws(GlobError) {
    if text.isEmpty { throw GlobError("the pattern has an empty segment") }
    if text == "." || text == ".." { throw GlobError("the pattern must not contain '\(text)'") }
    if text.lowercased() == ".git" { throw GlobError("the pattern must not contain '.git'") }
    if text == "**" {
      self = .anyFolders
    } else if !text.utf8.contains(where: { [0x2a, 0x3f, 0x5b].contains($0) }) {
      self = .literal(Array(text.utf8))
    } else {
      self = .pieces(try Self.pieces(Array(text.unicodeScalars)))
    }
  }

  private static func pieces(_ scalars: [Unicode.Scalar]) throws(GlobError) -> [GlobPiece] {
    var pieces: [GlobPiece] = []
    var index = 0
    while index < scalars.count {
      switch scalars[index] {
      case "*":
        if pieces.last == .anyText {
          throw GlobError("'**' must stand alone between slashes", suggestion: "such as 'scripts/**/*.sh'")
        }
        pieces.append(.anyText)
      case "?": pieces.append(.anyCharacter)
      case "[": pieces.append(try set(scalars, &index))
      default: pieces += Array(String(Character(scalars[index])).utf8).map(GlobPiece.byte)
      }
      index += 1
    }
    return pieces
  }

  /// Reads `[…]`; `index` goes from the `[` to the `]`.
  private static func set(_ scalars: [Unicode.Scalar], _ index: inout Int) throws(GlobError) -> GlobPiece {
    index += 1
    let isNegated = index < scalars.count && (scalars[index] == "!" || scalars[index] == "^")
    if isNegated { index += 1 }
    var ranges: [ClosedRange<UInt32>] = []
    let start = index
    while index < scalars.count, scalars[index] != "]" || index == start {
      let low = scalars[index].value
      if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
        let high = scalars[index + 2].value
        guard low <= high else { throw GlobError("a range in '[…]' runs backwards") }
        ranges.append(low...high)
        index += 3
      } else {
        ranges.append(low...low)
        index += 1
      }
    }
    guard index < scalars.count else { throw GlobError("a '[' is never closed") }
    return .oneOf(ranges, isNegated: isNegated)
  }
}
