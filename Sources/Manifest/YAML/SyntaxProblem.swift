/// libyaml's reason for giving up, in words that say what to do.
struct SyntaxProblem {
  private let failure: EventReader.Failure
  private let source: SourceText
  private let lineOffset: Int

  init(_ failure: EventReader.Failure, in source: SourceText, lineOffset: Int) {
    self.failure = failure
    self.source = source
    self.lineOffset = lineOffset
  }

  func report(to sink: DiagnosticSink) {
    let (message, suggestion) = words
    sink.error(at: reportedPlace, message, suggestion: suggestion)
  }

  private var place: SourcePlace { place(failure.mark) }

  /// An open quote is better shown where it begins than at the file's end, where libyaml notices; and what ends too
  /// early at the end of its last line rather than on an empty one.
  private var reportedPlace: SourcePlace {
    if isOpenQuote { return place(failure.contextMark) }
    var line = place.line
    guard isBlank(line) else { return place }
    while line > lineOffset, isBlank(line) { line -= 1 }
    let text = String(decoding: source.line(line) ?? [], as: UTF8.self)
    return SourcePlace(source, line: line, column: text.unicodeScalars.count + 1)
  }

  private func isBlank(_ line: Int) -> Bool { source.line(line)?.allSatisfy { $0 == 0x20 } ?? true }

  private var isOpenQuote: Bool {
    failure.context?.hasPrefix("while scanning a quoted scalar") == true
      && ["found unexpected end of stream", "found unexpected document indicator"].contains(failure.problem)
  }

  private func place(_ mark: EventReader.Mark) -> SourcePlace {
    SourcePlace(source, line: mark.line + lineOffset, column: mark.column + 1)
  }

  private var words: (message: String, suggestion: String?) {
    if isOpenQuote { return ("this quote is never closed", nil) }
    switch failure.problem {
    case "found character that cannot start any token":
      return character == 0x09
        ? ("a tab cannot indent", "use spaces")
        : ("a plain value cannot begin with this character", "put the value in quotes")
    case "found a tab character that violates indentation",
      "found a tab character where an indentation space is expected":
      return ("a tab cannot indent", "use spaces")
    case "mapping values are not allowed in this context":
      return ("a ': ' cannot stand here", "put the value in quotes, or check the indentation")
    case "could not find expected ':'":
      return ("a key without ':'", "check this line and the one before")
    case "did not find expected key":
      return (
        "neither the next key nor the end of the mapping that begins in line \(contextLine)", "check the indentation"
      )
    case "did not find expected '-' indicator":
      return (
        "neither '- ' nor the end of the list that begins in line \(contextLine)", "check the indentation"
      )
    case "did not find expected node content":
      return ("a value is missing here, or a '[' or '{' is never closed", nil)
    case "did not find expected <document start>":
      return ("a document must begin with '---', and YAML directives ('%') are refused", nil)
    case "did not find expected ',' or ']'":
      return ("the '[' of line \(contextLine) needs a ',' or ']' before this", nil)
    case "did not find expected ',' or '}'":
      return ("the '{' of line \(contextLine) needs a ',' or '}' before this", nil)
    default:
      return ("not valid YAML: \(failure.context.map { $0 + ": " } ?? "")\(failure.problem)", nil)
    }
  }

  private var contextLine: Int { failure.contextMark.line + lineOffset }

  /// The byte at the problem, on a line whose beginning is ASCII.
  private var character: UInt8? {
    source.line(place.line).flatMap { line in
      line.dropFirst(failure.mark.column).first
    }
  }
}
