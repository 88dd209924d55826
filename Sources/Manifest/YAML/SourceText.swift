import Model
import Synchronization

/// The text of one file, kept so that a diagnostic can quote a line of it.
public final class SourceText: Sendable {
  /// From the repository's root.
  public let path: String
  public let bytes: [UInt8]
  /// Offsets at which lines begin; made when the first diagnostic asks, because most files never have one.
  private let lineStarts = Mutex<[Int]>([])

  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  /// The bytes of a line, from 1, without its line break; nil past the end.
  func line(_ number: Int) -> ArraySlice<UInt8>? {
    let range: Range<Int>? = lineStarts.withLock { starts in
      if starts.isEmpty { starts = Self.findLineStarts(bytes) }
      guard (1...starts.count).contains(number) else { return nil }
      return starts[number - 1]..<(number < starts.count ? starts[number] - 1 : bytes.count)
    }
    guard var line = range.map({ bytes[$0] }) else { return nil }
    if line.last == 0x0d { line.removeLast() }
    return line
  }

  /// Lines end at LF only: a CR without LF is refused before anything else looks at the text.
  private static func findLineStarts(_ bytes: [UInt8]) -> [Int] {
    // A byte order mark is no part of the first line: columns are counted without it.
    var starts = [TextCheck.hasByteOrderMark(bytes) ? 3 : 0]
    for (index, byte) in bytes.enumerated() where byte == 0x0a { starts.append(index + 1) }
    return starts
  }
}

/// A character's place in a file.
public struct SourcePlace: Sendable {
  public let source: SourceText
  private let line32: Int32
  private let column32: Int32

  public init(_ source: SourceText, line: Int, column: Int) {
    self.source = source
    line32 = Int32(clamping: line)
    column32 = Int32(clamping: column)
  }

  /// From 1. Zero when the whole file is meant.
  public var line: Int { Int(line32) }
  /// From 1, in Unicode scalars. Zero when the whole line is meant.
  public var column: Int { Int(column32) }

  /// `file:line:column`, for one diagnostic that mentions another place.
  public var text: String { "\(Legible.text(source.path)):\(line):\(column)" }

  /// The place `count` characters further right.
  func advanced(by count: Int) -> SourcePlace { SourcePlace(source, line: line, column: column + count) }
}

/// Makes a user's text fit to be shown on a terminal.
enum Legible {
  /// Longer source lines are cut.
  static let lineWidth = 160

  /// For messages; see ``TerminalText``.
  static func text(_ text: String) -> String { TerminalText.neutralised(text) }

  /// Each character that does not show as itself (controls, bidirectional marks, zero-width ones) replaced by U+FFFD
  /// and each tab by a space, so that the count of characters stays and a caret below stays right.
  private static func sameWidth(_ text: Substring.UnicodeScalarView) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text { scalars.append(shown(scalar)) }
    return String(scalars)
  }

  private static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    if scalar == "\t" { return " " }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: "\u{fffd}"
    default: scalar
    }
  }

  /// In single quotes, cut to 60 characters.
  static func quoted(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(60)
    let isWhole = start.endIndex == text.unicodeScalars.endIndex
    return "'\(Self.text(String(start)))\(isWhole ? "" : "…")'"
  }

  /// The line for a diagnostic at `column`; nil when the column is so far right that the line would have to lose its
  /// beginning, and with it the alignment of the caret.
  static func line(_ bytes: ArraySlice<UInt8>, column: Int) -> String? {
    guard column <= lineWidth - 20 else { return nil }
    let scalars = String(decoding: bytes.prefix(4 * lineWidth + 4), as: UTF8.self).unicodeScalars
    let start = scalars.prefix(lineWidth)
    let isWhole = start.endIndex == scalars.endIndex
    return isWhole ? sameWidth(start) : sameWidth(start.dropLast()) + "…"
  }
}
