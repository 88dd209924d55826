public import Model

/// One YAML file, parsed and not yet understood, or the bytes of an iCalendar file. The same path and bytes give the same value, so it can be kept by
/// (path, blob id) for as long as that blob is in use.
public struct ParsedFile: Sendable {
  /// Identity of this parse: what was worked out from it can be used again while it is the same.
  let source: SourceText
  let documents: [ParsedDocument]
  /// What is wrong with the file as YAML.
  public let diagnostics: [Diagnostic]

  public var path: String { source.path }

  /// The trees of the documents that could be read, in the order of the file.
  public var roots: [YAMLNode] { documents.compactMap(\.root) }

  /// The tree of a file that must hold exactly one document, such as `belfry.yaml`; nil, reported, when it does not,
  /// and nil when its ``diagnostics`` say that it could not be read.
  public func onlyDocument(_ sink: DiagnosticSink) -> YAMLNode? {
    guard let first = documents.first else {
      if diagnostics.isEmpty { sink.error(at: SourcePlace(source, line: 0, column: 0), "the file is empty") }
      return nil
    }
    guard documents.count == 1 else {
      sink.error(
        at: SourcePlace(source, line: documents[1].firstLine, column: 0), "a second document",
        suggestion: "keep one document in this file")
      return nil
    }
    return first.isBroken ? nil : first.root
  }
}

/// One document of a file.
struct ParsedDocument: Sendable {
  /// Nil when it could not be read.
  var root: YAMLNode?
  /// Of the file, from 1.
  var firstLine: Int
  /// It has mistakes as YAML.
  var isBroken: Bool
  /// For a broken document, the names that its text claims.
  var claims: [String]
}

extension ParsedFile {
  /// Parses any YAML file by the rules for manifests, `controller.yaml` for instance. Never throws: what is wrong is
  /// in ``diagnostics``.
  public init(path: String, bytes: [UInt8]) {
    let source = SourceText(path: path, bytes: bytes)
    // What its events mean depends on the calendar that names it, so it is read when that is known.
    guard !path.hasSuffix(CalendarFile.suffix) else {
      self.init(source: source, documents: [], diagnostics: [])
      return
    }
    var documents: [ParsedDocument] = []
    var diagnostics: [Diagnostic] = []
    if bytes.count > ManifestLimits.fileBytes {
      diagnostics = [
        Diagnostic(
          file: Legible.text(path), message: "the file has more than \(ManifestLimits.fileBytes / 1_048_576) MiB")
      ]
      documents = [ParsedDocument(root: nil, firstLine: 1, isBroken: true, claims: [])]
    } else {
      bytes.withUnsafeBufferPointer { all in
        let text = TextCheck.hasByteOrderMark(all) ? UnsafeBufferPointer(rebasing: all[3...]) : all
        for piece in DocumentSplitter.split(text) where documents.count <= ManifestLimits.documentsPerFile {
          let sink = DiagnosticSink()
          let isOver = documents.count == ManifestLimits.documentsPerFile
          if let document = Self.document(piece, of: source, sink, isOver: isOver) { documents.append(document) }
          diagnostics += sink.diagnostics
        }
      }
    }
    self.init(source: source, documents: documents, diagnostics: diagnostics)
  }

  /// A file of which the caller could not get the bytes; its jobs keep their last good version.
  public init(path: String, problem: String) {
    source = SourceText(path: path, bytes: [])
    documents = [ParsedDocument(root: nil, firstLine: 1, isBroken: true, claims: [])]
    diagnostics = [Diagnostic(file: Legible.text(path), message: Legible.text(problem))]
  }

  /// Nil for an empty document.
  private static func document(
    _ piece: DocumentSplitter.Piece, of source: SourceText, _ sink: DiagnosticSink, isOver: Bool
  ) -> ParsedDocument? {
    var root: YAMLNode?
    let start = SourcePlace(source, line: piece.firstLine, column: 0)
    if isOver {
      sink.error(at: start, "more than \(ManifestLimits.documentsPerFile) documents in one file")
    } else if piece.bytes.count > ManifestLimits.documentBytes {
      sink.error(at: start, "the document has more than \(ManifestLimits.documentBytes / 1_024) KiB")
    } else if let problem = TextCheck.firstProblem(in: piece.bytes) {
      sink.error(
        at: place(ofByte: problem.offset, in: piece, of: source), problem.message, suggestion: problem.suggestion)
    } else if let line = directiveLine(piece) {
      sink.error(
        at: SourcePlace(source, line: line, column: 1), "YAML directives are refused",
        suggestion: "leave the '%' line out")
    } else {
      root = TreeBuilder.build(piece, of: source, sink)
    }
    guard sink.hasErrors else {
      return root.map { ParsedDocument(root: $0, firstLine: piece.firstLine, isBroken: false, claims: []) }
    }
    return ParsedDocument(
      root: root, firstLine: piece.firstLine, isBroken: true, claims: DocumentSplitter.claims(in: piece))
  }

  /// The line of a `%…` directive in front of everything but comments, from 1.
  private static func directiveLine(_ piece: DocumentSplitter.Piece) -> Int? {
    var line = piece.firstLine
    var position = 0
    while position < piece.bytes.count {
      let first = piece.bytes[position]
      if first == UInt8(ascii: "%") { return line }
      guard [UInt8(ascii: "#"), 0x0a, 0x0d].contains(first),
        let next = DocumentSplitter.nextLine(piece.bytes, after: position)
      else { return nil }
      position = next
      line += 1
    }
    return nil
  }

  private static func place(ofByte offset: Int, in piece: DocumentSplitter.Piece, of source: SourceText) -> SourcePlace
  {
    let before = piece.bytes[..<offset]
    let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    let line = before.count { $0 == 0x0a } + piece.firstLine
    let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
    return SourcePlace(source, line: line, column: column)
  }
}
