import Model
import ZoneInfo

/// What one load leaves for the next, so that a commit that changes one file costs one file's reading.
final class LoadMemory: Sendable {
  struct File: Sendable {
    /// Has the file's path.
    var source: SourceText
    var layer: DefaultsLayer
    var documents: [ReadDocument]
  }

  let rootSource: SourceText?
  let root: RootFile
  /// By folder, with a `/` at the end; the one of `belfry.yaml`, which is above all folders, has the key `/`.
  let layers: [String: DefaultsLayer]
  /// In ascending order of path.
  let files: [File]
  let scripts: [FileResolver.Script: ScriptCheck.Problem?]
  let calendars: ResolvedCalendars

  init(
    rootSource: SourceText?, root: RootFile, layers: [String: DefaultsLayer], files: [File],
    scripts: [FileResolver.Script: ScriptCheck.Problem?], calendars: ResolvedCalendars
  ) {
    self.rootSource = rootSource
    self.root = root
    self.layers = layers
    self.files = files
    self.scripts = scripts
    self.calendars = calendars
  }
}

/// Puts the files of one commit together.
struct Loader {
  private let zones: ZoneDatabase
  private let listing: RepositoryListing
  private let previous: LoadMemory?

  init(zones: ZoneDatabase, listing: RepositoryListing, previous: LoadMemory?) {
    self.zones = zones
    self.listing = listing
    self.previous = previous
  }

  mutating func load(root file: ParsedFile?, files: [ParsedFile], head: (String) -> [UInt8]?) -> LoadedRepository {
    let root = readRoot(file)
    var outcome = LoadOutcome(isComplete: root.isUsable, count: files.count)
    outcome.diagnostics.formUnion(root.diagnostics)
    let sorted = Self.sorted(files)
    let layers = readLayers(root, file, sorted)
    for layer in layers.values { outcome.diagnostics.formUnion(layer.diagnostics) }
    let read = readFiles(root, layers, sorted, &outcome)
    checkListing(root, &outcome)
    let unreadable = Dictionary(
      sorted.lazy.filter { !$0.diagnostics.isEmpty }.map { ($0.path, $0.diagnostics) }, uniquingKeysWith: { $1 })
    return withoutActuallyEscaping(head) { head in
      var resolver = FileResolver(listing: listing, head: head, known: previous?.scripts ?? [:])
      let calendars = resolveCalendars(root, file, sorted, &resolver, &outcome)
      for file in read {
        let mistakes = layerMistakes(file.layer) + (unreadable[file.source.path] ?? [])
        for document in file.documents {
          outcome.add(document, of: file.source.path, with: mistakes, &resolver, calendars)
        }
      }
      let memory = LoadMemory(
        rootSource: file?.source, root: root, layers: layers, files: read, scripts: resolver.scripts,
        calendars: calendars)
      return outcome.repository(isUsable: root.isUsable, memory)
    }
  }

  /// Why what jobs with these defaults mean is not known; nothing when it is.
  private func layerMistakes(_ layer: DefaultsLayer) -> [Diagnostic] {
    guard layer.isBroken else { return [] }
    return layer.diagnostics + (layer.parent.map(layerMistakes) ?? [])
  }

  private func resolveCalendars(
    _ root: RootFile, _ file: ParsedFile?, _ files: [ParsedFile], _ resolver: inout FileResolver,
    _ outcome: inout LoadOutcome
  ) -> ResolvedCalendars {
    let paths = root.calendars.paths
    var found: [String: ParsedFile] = [:]
    if !paths.isEmpty { for file in files where paths.contains(file.path) { found[file.path] = file } }
    let calendars = CalendarResolver(zones: zones, root: file?.source, previous: previous?.calendars)
      .resolve(root.calendars, files: found, &resolver)
    outcome.diagnostics.formUnion(resolver.takeDiagnostics())
    for entry in calendars.entries.values { outcome.diagnostics.formUnion(entry.diagnostics) }
    return calendars
  }

  private func readRoot(_ file: ParsedFile?) -> RootFile {
    if let previous, let file, previous.rootSource === file.source { return previous.root }
    return RootFile(file, zones: zones)
  }

  /// The layers of all folders that have defaults, upper folders first.
  private func readLayers(_ root: RootFile, _ file: ParsedFile?, _ files: [ParsedFile]) -> [String: DefaultsLayer] {
    var layers: [String: DefaultsLayer] = [:]
    layers["/"] =
      reuse("/", parent: nil, source: file?.source)
      ?? DefaultsLayer(parent: nil, source: file?.source, node: root.defaults, isBroken: !root.isUsable)
    let defaults = files.filter { root.isDefaultsFile($0.path) }
      .map { (folder: Self.folder(of: $0.path), file: $0) }
      .sorted { $0.folder.utf8.count < $1.folder.utf8.count }
    for (folder, file) in defaults {
      let parent = layer(for: folder, in: layers, isInside: false)
      layers[folder] = reuse(folder, parent: parent, source: file.source) ?? readLayer(file, parent: parent)
    }
    return layers
  }

  private func reuse(_ folder: String, parent: DefaultsLayer?, source: SourceText?) -> DefaultsLayer? {
    guard let layer = previous?.layers[folder], layer.parent === parent, layer.source === source else { return nil }
    return layer
  }

  private func readLayer(_ file: ParsedFile, parent: DefaultsLayer?) -> DefaultsLayer {
    let sink = DiagnosticSink()
    var isBroken = !file.diagnostics.isEmpty
    var node: YAMLNode?
    // A file of nothing but comments gives no defaults, and that is fine.
    if !file.documents.isEmpty {
      node = file.onlyDocument(sink)
      if let node, node.entries != nil {
        _ = JobReader(sink: sink, zones: zones, isDefaults: true).read(node)
      } else {
        if let node { sink.error(at: node.place, "defaults are a mapping of a job's keys, not \(node.summary)") }
        isBroken = true
      }
    }
    return DefaultsLayer(
      parent: parent, source: file.source, node: node, isBroken: isBroken,
      diagnostics: file.diagnostics + sink.diagnostics)
  }

  /// The nearest layer of the folder itself (`isInside`) or of one above it.
  private func layer(for folder: String, in layers: [String: DefaultsLayer], isInside: Bool) -> DefaultsLayer? {
    if isInside, let layer = layers[folder] { return layer }
    var folder = folder
    while !folder.isEmpty {
      folder = Self.folder(of: String(folder.dropLast()))
      if let layer = layers[folder] { return layer }
    }
    return layers["/"]
  }

  /// Reads the files that hold jobs; those that were read before, with the same defaults, are taken from there.
  private func readFiles(
    _ root: RootFile, _ layers: [String: DefaultsLayer], _ files: [ParsedFile], _ outcome: inout LoadOutcome
  ) -> [LoadMemory.File] {
    var read: [LoadMemory.File] = []
    read.reserveCapacity(files.count)
    var known = (previous?.files ?? [])[...]
    var nearest: (folder: String, layer: DefaultsLayer)?
    for file in files where root.isJobFile(file.path) {
      if !file.diagnostics.isEmpty { outcome.diagnostics.formUnion(file.diagnostics) }
      let folder = Self.folder(of: file.path)
      // Files come sorted, so those of one folder mostly follow each other.
      if nearest?.folder != folder {
        nearest = layer(for: folder, in: layers, isInside: true).map { (folder, $0) }
      }
      guard let layer = nearest?.layer else { continue }
      while let first = known.first, RepositoryListing.precedes(first.source.path, file.path) { known.removeFirst() }
      if let first = known.first, first.source === file.source, first.layer === layer {
        read.append(first)
      } else {
        let documents = DocumentReader(zones: zones, layer: layer).read(file)
        read.append(LoadMemory.File(source: file.source, layer: layer, documents: documents))
      }
    }
    return read
  }

  private static func sorted(_ files: [ParsedFile]) -> [ParsedFile] {
    let isSorted = zip(files, files.dropFirst()).allSatisfy { RepositoryListing.precedes($0.path, $1.path) }
    return isSorted ? files : files.sorted { RepositoryListing.precedes($0.path, $1.path) }
  }

  /// Looks for manifests that nobody would read and nobody would miss.
  private func checkListing(_ root: RootFile, _ outcome: inout LoadOutcome) {
    for entry in listing.entries {
      if !entry.kind.isRegular {
        guard entry.path == RootFile.path || root.isJobFile(entry.path) || root.isDefaultsFile(entry.path) else {
          continue
        }
        outcome.isComplete = false
        outcome.diagnostics.insert(
          Diagnostic(
            file: Legible.text(entry.path), message: "a manifest must be a regular file, not \(entry.kind.words)"))
      } else if entry.path.hasSuffix(".yml"), !root.isJobFile(entry.path),
        root.isJobFile(entry.path.dropLast(3) + "yaml")
      {
        outcome.diagnostics.insert(
          Diagnostic(
            file: Legible.text(entry.path), severity: .warning, message: "this file is not read",
            suggestion: "name it .yaml, or add a pattern to 'jobs' in belfry.yaml"))
      }
    }
  }

  /// `jobs/a/b.yaml` is in `jobs/a/`; the root's folder is empty.
  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return String(path[...slash])
  }
}
