/// Builds the tree of one document from libyaml's events and refuses what manifests must not use.
///
/// Anchors and aliases are refused because they make small files into huge trees, tags because they mean types that
/// nobody asked for, merge keys because they are no part of YAML 1.2, duplicate keys because one of the two is lost.
struct TreeBuilder: ~Copyable {
  /// The rest of the document cannot be read; the reason has been reported.
  private struct Stop: Error {}

  private var events: EventReader
  private let source: SourceText
  private let lineOffset: Int
  private let sink: DiagnosticSink
  // What the open collections hold so far, inner ones on top: each finished one becomes one array of its size.
  private var openElements: [YAMLNode] = []
  private var openEntries: [YAMLEntry] = []

  /// Nil, reported, when there is no memory for a parser.
  private init?(_ piece: DocumentSplitter.Piece, of source: SourceText, _ sink: DiagnosticSink) {
    guard let events = EventReader(piece.bytes) else {
      sink.error(at: SourcePlace(source, line: piece.firstLine, column: 0), "out of memory")
      return nil
    }
    self.events = events
    self.source = source
    self.sink = sink
    lineOffset = piece.firstLine
  }

  /// The document's tree; nil when it is empty, or, reported, unreadable.
  static func build(_ piece: DocumentSplitter.Piece, of source: SourceText, _ sink: DiagnosticSink) -> YAMLNode? {
    guard var builder = TreeBuilder(piece, of: source, sink) else { return nil }
    return try? builder.document()
  }

  private mutating func document() throws(Stop) -> YAMLNode? {
    guard case .streamStart = try next() else { throw Stop() }
    guard case .documentStart(let hasDirective) = try next() else { return nil }
    if hasDirective { sink.error(at: place, "YAML directives are refused", suggestion: "leave the '%' line out") }
    let root = try node(try next(), depth: 0)
    guard case .documentEnd = try next() else { throw Stop() }
    if case .documentStart = try next() {
      sink.error(at: place, "a new document must begin with '---'")
    }
    if case .scalar(let scalar) = root.content, scalar.resolved == .null { return nil }
    return root
  }

  private mutating func next() throws(Stop) -> EventReader.Event {
    if let event = events.next() { return event }
    let failure = events.failure
    SyntaxProblem(failure, in: source, lineOffset: lineOffset).report(to: sink)
    throw Stop()
  }

  private var place: SourcePlace { place(events.mark) }

  private func place(_ mark: EventReader.Mark) -> SourcePlace {
    SourcePlace(source, line: mark.line + lineOffset, column: mark.column + 1)
  }

  private mutating func node(_ event: EventReader.Event, depth: Int) throws(Stop) -> YAMLNode {
    let place = self.place
    refuseProperties(at: place)
    switch event {
    case .scalar(let scalar):
      return YAMLNode(content(scalar, at: place), at: place)
    case .sequenceStart:
      try checkDepth(depth, at: place)
      return YAMLNode(.sequence(try elements(depth: depth + 1)), at: place)
    case .mappingStart:
      try checkDepth(depth, at: place)
      return YAMLNode(.mapping(try entries(depth: depth + 1)), at: place)
    case .alias:
      sink.error(at: place, "aliases (*name) are refused", suggestion: "write the value out, or use defaults.yaml")
      return YAMLNode(.invalid, at: place)
    default:
      throw Stop()
    }
  }

  private func refuseProperties(at place: SourcePlace) {
    if events.hasAnchor {
      sink.error(at: place, "anchors (&name) are refused", suggestion: "write the value out, or use defaults.yaml")
    }
    if let tag = events.tag {
      sink.error(
        at: place, "tags are refused, such as this \(Legible.quoted(tag))",
        suggestion: "leave the tag out; quotes make a string")
    }
  }

  private func content(_ scalar: EventReader.Scalar, at place: SourcePlace) -> YAMLNode.Content {
    if scalar.style == .quoted, scalar.text.utf8.contains(0) {
      sink.error(at: place, "a NUL character in a string is refused")
      return .invalid
    }
    return .scalar(YAMLScalar(scalar.text, scalar.style))
  }

  private func checkDepth(_ depth: Int, at place: SourcePlace) throws(Stop) {
    guard depth >= ManifestLimits.levels else { return }
    sink.error(at: place, "more than \(ManifestLimits.levels) levels of mappings and lists within each other")
    throw Stop()
  }

  private mutating func elements(depth: Int) throws(Stop) -> [YAMLNode] {
    let start = openElements.count
    while true {
      let event = try next()
      if case .sequenceEnd = event { break }
      openElements.append(try node(event, depth: depth))
    }
    defer { openElements.removeLast(openElements.count - start) }
    return Array(openElements[start...])
  }

  private mutating func entries(depth: Int) throws(Stop) -> [YAMLEntry] {
    let start = openEntries.count
    var seen: [String: Int] = [:]
    while true {
      let event = try next()
      if case .mappingEnd = event { break }
      let key = try node(event, depth: depth)
      let value = try node(try next(), depth: depth)
      guard let name = keyName(key) else { continue }
      if let line = lineOfKey(name, since: start, &seen) {
        sink.error(at: key.place, "the key \(Legible.quoted(name)) is already there in line \(line)")
        continue
      }
      openEntries.append(YAMLEntry(key: name, at: key.place, value: value))
    }
    defer { openEntries.removeLast(openEntries.count - start) }
    return Array(openEntries[start...])
  }

  /// Where the mapping that begins at `start` has the key already. Small mappings are searched; a dictionary keeps big
  /// ones from taking quadratic time.
  private func lineOfKey(_ name: String, since start: Int, _ seen: inout [String: Int]) -> Int? {
    let count = openEntries.count - start
    if count < 16 { return openEntries[start...].first { $0.key == name }?.keyPlace.line }
    for index in seen.count..<count { seen[openEntries[start + index].key] = openEntries[start + index].keyPlace.line }
    return seen[name]
  }

  /// Nil, reported, for a key that is refused.
  private func keyName(_ node: YAMLNode) -> String? {
    switch node.content {
    case .scalar(let scalar):
      if scalar.style == .plain, scalar.text == "<<" {
        sink.error(
          at: node.place, "merge keys (<<) are refused", suggestion: "write the values out, or use defaults.yaml")
        return nil
      }
      if scalar.text.isEmpty {
        sink.error(at: node.place, "a key is empty")
        return nil
      }
      return scalar.text
    case .sequence, .mapping:
      sink.error(at: node.place, "a key must be a word, not \(node.summary)")
      return nil
    case .invalid:
      return nil
    }
  }
}
