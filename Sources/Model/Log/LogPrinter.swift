/// Turns a log's lines into what a person or a program is shown, one line after the other, so that a log can be followed.
public struct LogPrinter: Sendable {
  /// Each line with its time and source, in the form of ``LogLine``.
  public var hasTimes: Bool
  /// Of one stream only; what Belfry says about the log is shown always. Nil: both.
  public var source: LogSource?
  /// The bytes as the job wrote them. Otherwise all that a terminal would obey is shown and not sent, and a line of the
  /// one stream does not begin within a line of the other.
  public var isRaw: Bool

  /// The stream whose line is not ended yet.
  private var open: LogSource?
  /// The beginning of a character, whose rest is in the next part of the line.
  private var held: [UInt8] = []

  public init(hasTimes: Bool = false, source: LogSource? = nil, isRaw: Bool = false) {
    self.hasTimes = hasTimes
    self.source = source
    self.isRaw = isRaw
  }

  /// The whole of a log.
  public func print(_ log: [UInt8]) -> [UInt8] {
    var printer = self
    var bytes: [UInt8] = []
    for entry in LogText.entries(of: log) { printer.print(entry, to: &bytes) }
    printer.finish(to: &bytes)
    return bytes
  }

  public mutating func print(_ entry: LogText.Entry, to bytes: inout [UInt8]) {
    switch entry {
    case .line(let line): print(line, to: &bytes)
    case .other(let text):
      endLine(to: &bytes)
      bytes += shown(text)
      bytes.append(0x0a)
    }
  }

  public mutating func print(_ line: LogLine, to bytes: inout [UInt8]) {
    guard source == nil || line.source == source || line.source == .log else { return }
    if hasTimes {
      var line = line
      line.text = shown(line.text)
      return line.print(to: &bytes)
    }
    if line.source == .log || (!isRaw && open != line.source) { endLine(to: &bytes) }
    let text = held + line.text
    held = []
    if line.isPartial, !isRaw { held = Array(text.suffix(Self.unfinished(text))) }
    bytes += shown(Array(text.dropLast(held.count)))
    if !line.isPartial { bytes.append(0x0a) }
    open = line.isPartial ? line.source : nil
  }

  /// What is still to be shown at the end.
  public mutating func finish(to bytes: inout [UInt8]) {
    if isRaw { open = nil } else { endLine(to: &bytes) }
  }

  private mutating func endLine(to bytes: inout [UInt8]) {
    guard open != nil else { return }
    bytes += shown(held)
    bytes.append(0x0a)
    held = []
    open = nil
  }

  private func shown(_ text: [UInt8]) -> [UInt8] {
    isRaw ? text : Array(TerminalText.neutralised(bytes: text, keepingLines: true).utf8)
  }

  /// How many bytes at the end begin a character of UTF-8 that is not complete.
  private static func unfinished(_ text: [UInt8]) -> Int {
    for count in 1...3 where count <= text.count {
      let byte = text[text.count - count]
      if byte & 0xc0 == 0x80 { continue }
      let length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
      return length > count ? count : 0
    }
    return 0
  }
}
