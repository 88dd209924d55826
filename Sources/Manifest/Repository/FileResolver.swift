import Model

/// Finds the files of jobs in a commit and checks them. What two jobs ask alike is worked out once.
struct FileResolver {
  /// What the verdict on a script without an interpreter in the manifest depends on.
  struct Script: Hashable, Sendable {
    var path: String
    var blob: String
    var isExecutable: Bool
  }

  /// Places of files in the listing, or why a pattern gives none.
  private enum Matches {
    case indices([Int])
    case problem(String, suggestion: String?)
  }

  private let listing: RepositoryListing
  private let head: (String) -> [UInt8]?
  private let known: [Script: ScriptCheck.Problem?]
  /// The verdicts of this load.
  private(set) var scripts: [Script: ScriptCheck.Problem?] = [:]
  /// By place in the listing: scripts that have no problem. Most are asked for by several jobs.
  private var good: [Bool]
  private var matches: [String: Matches] = [:]
  private var sink = DiagnosticSink()
  /// How many more paths may be compared in search of suggestions: in a repository where all scripts were moved they
  /// would take longer than everything else.
  private var comparisonsLeft = 200_000

  init(listing: RepositoryListing, head: @escaping (String) -> [UInt8]?, known: [Script: ScriptCheck.Problem?]) {
    self.listing = listing
    self.head = head
    self.known = known
    good = Array(repeating: false, count: listing.entries.count)
  }

  /// Of the jobs since they were last taken.
  var diagnostics: [Diagnostic] { sink.diagnostics }

  mutating func takeDiagnostics() -> [Diagnostic] {
    defer { sink = DiagnosticSink() }
    return sink.diagnostics
  }

  /// All paths, in ascending order; nil, reported, when something is wrong with one.
  mutating func files(for needs: FileNeeds) -> [String]? {
    var indices: [Int] = []
    var isGood = true
    if let script = needs.script {
      let found = single(script.path, what: "script", at: script.place)
      if let index = found, needs.hasInterpreter || check(index, at: script.place) {
        indices.append(index)
      } else {
        isGood = false
      }
    }
    for pattern in needs.patterns {
      switch matches(of: pattern.glob) {
      case .indices(let found): indices += found
      case .problem(let message, let suggestion):
        sink.error(at: pattern.place, message, suggestion: suggestion)
        isGood = false
      }
    }
    guard isGood else { return nil }
    if needs.patterns.isEmpty { return indices.map { listing.entries[$0].path } }
    return together(indices, at: needs.patterns[0].place)
  }

  private func together(_ found: [Int], at place: SourcePlace) -> [String]? {
    let entries = Set(found).sorted().map { listing.entries[$0] }
    let bytes = entries.reduce(Int64(0)) { $0 + ($1.size ?? 0) }
    let paths = entries.map(\.path)
    if paths.count > ManifestLimits.filesPerJob {
      sink.error(at: place, "\(paths.count) files, more than \(ManifestLimits.filesPerJob)")
    } else if bytes > ManifestLimits.jobBytes {
      sink.error(at: place, "the job's files have more than \(ManifestLimits.jobBytes / 1_048_576) MiB together")
    } else if Set(paths).count < paths.count {
      // Swift, like some file systems, takes such paths for the same, and git does not.
      sink.error(at: place, "two files' names differ only in how their letters are encoded")
    } else {
      return paths
    }
    return nil
  }

  /// Whether the commit has a regular file at the path; reports what is wrong.
  mutating func hasFile(_ path: String, what: String, at place: SourcePlace) -> Bool {
    single(path, what: what, at: place) != nil
  }

  /// The one file at a path.
  private mutating func single(_ path: String, what: String, at place: SourcePlace) -> Int? {
    guard let index = listing.index(of: path) else {
      if listing.isFolder(path) {
        sink.error(at: place, "the \(what) \(Legible.quoted(path)) is a folder")
      } else {
        let nearest = nearest(to: path)
        sink.error(
          at: place, "the \(what) \(Legible.quoted(path)) is not in the commit",
          suggestion: nearest.map { "did you mean \(Legible.quoted($0))?" })
      }
      return nil
    }
    if let problem = Self.problem(with: listing.entries[index]) {
      sink.error(at: place, "the \(what) \(problem)")
      return nil
    }
    return index
  }

  private static func problem(with entry: RepositoryListing.Entry) -> String? {
    let name = Legible.quoted(entry.path)
    if !entry.kind.isRegular { return "\(name) is \(entry.kind.words), which is refused" }
    if let problem = RepositoryPath.problem(in: entry.path) { return "\(name): \(problem)" }
    if let size = entry.size, size > ManifestLimits.jobFileBytes {
      return "\(name) has more than \(ManifestLimits.jobFileBytes / 1_048_576) MiB"
    }
    return nil
  }

  /// Whether the script's beginning is fine; reports what is not.
  private mutating func check(_ index: Int, at place: SourcePlace) -> Bool {
    if good[index] { return true }
    let entry = listing.entries[index]
    let script = Script(path: entry.path, blob: entry.blob, isExecutable: entry.kind == .executable)
    let problem: ScriptCheck.Problem?
    if let verdict = scripts[script] ?? (script.blob.isEmpty ? nil : known[script]) {
      problem = verdict
    } else if let bytes = head(entry.path) {
      problem = ScriptCheck.problem(
        path: entry.path, firstBytes: bytes, executable: script.isExecutable, interpreter: nil)
    } else {
      return true
    }
    scripts[script] = .some(problem)
    if let problem { sink.error(at: place, problem.message, suggestion: problem.suggestion) }
    good[index] = problem == nil
    return problem == nil
  }

  private mutating func matches(of glob: Glob) -> Matches {
    if let known = matches[glob.text] { return known }
    let result = findMatches(of: glob)
    matches[glob.text] = result
    return result
  }

  private mutating func findMatches(of glob: Glob) -> Matches {
    let inside = listing.inside(folder: glob.folder)
    let found = inside.indices.filter { glob.matches(inside[$0].path) }
    for index in found {
      if let problem = Self.problem(with: inside[index]) { return .problem("'files': \(problem)", suggestion: nil) }
    }
    if !found.isEmpty { return .indices(found) }
    let message = "\(Legible.quoted(glob.text)) matches no file of the commit"
    if let path = glob.literalPath {
      if listing.isFolder(path) { return .problem(message, suggestion: "for a folder, write '\(path)/**'") }
      return .problem(message, suggestion: nearest(to: path).map { "did you mean \(Legible.quoted($0))?" })
    }
    let hasFolder = glob.folder.isEmpty || !inside.isEmpty
    return .problem(message, suggestion: hasFolder ? nil : "there is no folder '\(glob.folder)'")
  }

  /// A file of the same name elsewhere, or the path that differs least.
  private mutating func nearest(to path: String) -> String? {
    let candidates = listing.entries.filter { $0.kind.isRegular }
    guard candidates.count <= comparisonsLeft else { return nil }
    comparisonsLeft -= candidates.count
    if let near = Suggestion.nearest(to: path, among: candidates.lazy.map(\.path)) { return near }
    let name = "/" + (path.split(separator: "/").last ?? "")
    return candidates.first { $0.path.hasSuffix(name) }?.path
  }
}
