import Model
import ZoneInfo

/// A name that a document gives to a job.
struct NameClaim: Sendable {
  var name: JobName
  var place: SourcePlace
}

/// What one document says by itself, defaults included: depends on its file and its ``DefaultsLayer`` only.
///
/// An object, because a job has some thirty parts to copy, and ten thousand of these are passed along at each commit.
final class ReadDocument: Sendable {
  /// One for a good document; those that can be guessed for a broken one.
  let claims: [NameClaim]
  /// There may be a job whose name cannot be told.
  let hasUnknownName: Bool
  /// Nil when there is a mistake.
  let job: Job?
  let needs: FileNeeds
  let diagnostics: [Diagnostic]

  init(claims: [NameClaim], hasUnknownName: Bool, job: Job?, needs: FileNeeds, diagnostics: [Diagnostic]) {
    self.claims = claims
    self.hasUnknownName = hasUnknownName
    self.job = job
    self.needs = needs
    self.diagnostics = diagnostics
  }
}

struct DocumentReader {
  let zones: ZoneDatabase
  let layer: DefaultsLayer

  func read(_ file: ParsedFile) -> [ReadDocument] {
    file.documents.map { read($0, of: file.source) }
  }

  private func read(_ document: ParsedDocument, of source: SourceText) -> ReadDocument {
    let sink = DiagnosticSink()
    let names = document.isBroken ? guessedNames(document, source) : statedName(document.root, sink)
    let draft = document.root.flatMap { readDraft($0, document, source, sink) }
    let isGood = !sink.hasErrors && !document.isBroken && !layer.isBroken
    return ReadDocument(
      claims: names.known, hasUnknownName: names.hasUnknown, job: isGood ? draft?.job : nil,
      needs: draft?.needs ?? FileNeeds(), diagnostics: sink.diagnostics)
  }

  private func readDraft(
    _ root: YAMLNode, _ document: ParsedDocument, _ source: SourceText, _ sink: DiagnosticSink
  ) -> DraftJob? {
    // Without `job` it is most likely no job at all, and more complaints about it would mislead.
    guard root["job"] != nil || document.isBroken else { return nil }
    let isPartial = document.isBroken || layer.isBroken
    let reader = JobReader(sink: sink, zones: zones, isPartial: isPartial, source: source)
    return reader.read(layer.node.map { Defaults.merge(root, over: $0) } ?? root)
  }

  private func guessedNames(_ document: ParsedDocument, _ source: SourceText) -> (known: [NameClaim], hasUnknown: Bool)
  {
    let start = SourcePlace(source, line: document.firstLine, column: 0)
    let known = document.claims.compactMap { text in
      (try? JobName(text)).map { NameClaim(name: $0, place: start) }
    }
    return (known, known.isEmpty || known.count < document.claims.count)
  }

  private func statedName(_ root: YAMLNode?, _ sink: DiagnosticSink) -> (known: [NameClaim], hasUnknown: Bool) {
    guard let root, let entries = root.entries, let first = entries.first else {
      if let root {
        sink.error(
          at: root.place,
          "a document must begin with 'job: NAME', not with \(root.entries == nil ? root.summary : "nothing")")
      }
      return ([], true)
    }
    guard let entry = first.key == "job" ? first : entries.first(where: { $0.key == "job" }) else {
      let nearest = first.key == "name" ? "job" : Suggestion.nearest(to: first.key, among: ["job"])
      sink.error(
        at: first.keyPlace, "a document must begin with 'job: NAME', not with \(Legible.quoted(first.key))",
        suggestion: nearest.map { "did you mean '\($0)'?" })
      return ([], true)
    }
    if first.key != "job" { sink.error(at: entry.keyPlace, "'job' must be the document's first key") }
    guard let text = entry.value.scalar?.text, let name = try? JobName(text) else { return ([], true) }
    return ([NameClaim(name: name, place: entry.keyPlace)], false)
  }
}
