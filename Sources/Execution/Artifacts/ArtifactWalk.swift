import Glibc
import Model

/// Looks for files below a folder that belongs to a job, however it has been arranged: nothing is followed, nothing but
/// folders is opened, nothing recurses, and what is looked at has a limit.
struct ArtifactWalk {
  /// Relative paths of the files that were found.
  private(set) var names: Set<String> = []
  private(set) var problems: [String] = []
  private(set) var notes: [String] = []
  /// Entries that may still be looked at.
  private var budget: Int
  private var isCutShort = false

  init(budget: Int = ArtifactLimits.entries) { self.budget = budget }

  /// Everything below. What cannot be taken is a problem: somebody has put it there to be sent back.
  mutating func findAll(below root: borrowing Descriptor) {
    _ = walk(root, Search(start: "", depth: Self.deepest, isForAll: true) { _ in true })
  }

  /// What matches the pattern. Folders that cannot be looked into are noted, and names that no pattern could mean are
  /// passed over.
  mutating func find(_ pattern: Glob, below root: borrowing Descriptor) {
    // A pattern without `**` matches paths of its own depth alone.
    let search = Search(
      start: String(pattern.folder.dropLast()), depth: min(pattern.depth ?? Self.deepest, Self.deepest),
      isForAll: false,
      wants: pattern.matches)
    if !walk(root, search) { note("nothing matches \(TerminalText.neutralised(pattern.text))") }
  }

  /// Segments of a path, as ``RepositoryPath`` allows them.
  private static let deepest = 32

  private struct Search {
    /// The folder in which it begins.
    var start: String
    /// Segments of the paths that are meant, at most.
    var depth: Int
    var isForAll: Bool
    var wants: (String) -> Bool
  }

  /// True when anything that is meant was found, be it nothing that can be taken.
  private mutating func walk(_ root: borrowing Descriptor, _ search: Search) -> Bool {
    var folders = [search.start]
    var hasFound = false
    while budget > 0, let path = folders.popLast() {
      do throws(ExecutionError) {
        let folder = try root.openBeneath(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY)
        let entries = try folder.entries(limit: budget + 1)
        if entries.count > budget { isCutShort = true }
        for entry in entries.prefix(budget) {
          budget -= 1
          if look(at: entry, in: folder, path, &folders, search) { hasFound = true }
        }
      } catch {
        // Where a pattern begins there need not be a folder.
        if path == search.start, error.code == .missing { continue }
        if search.isForAll { note(problem: "\(error)") } else { note("\(error)") }
      }
    }
    if isCutShort || !folders.isEmpty {
      note(problem: "more than \(ArtifactLimits.entries) files and folders were to be looked at")
      isCutShort = false
      budget = 0
    }
    return hasFound
  }

  private mutating func look(
    at entry: [CChar], in folder: borrowing Descriptor, _ path: String, _ folders: inout [String], _ search: Search
  ) -> Bool {
    var status = stat()
    guard fstatat(folder.number, entry, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
    let bytes = entry.dropLast().map(UInt8.init(bitPattern:))
    guard let text = String(validating: bytes, as: UTF8.self) else {
      if search.isForAll {
        note(problem: "\(TerminalText.neutralised(bytes: bytes.prefix(60))) is not a name in UTF-8")
      }
      return false
    }
    let name = path.isEmpty ? text : "\(path)/\(text)"
    if status.st_mode & S_IFMT == S_IFDIR {
      if name.utf8.count(where: { $0 == 0x2f }) + 1 < search.depth {
        folders.append(name)
      } else if search.isForAll {
        note(problem: "\(Self.shown(name)) has too many folders above it")
      }
      return false
    }
    guard search.wants(name) else { return false }
    if let problem = Artifact.problem(inName: name) {
      note(problem: "\(Self.shown(name)): \(problem)")
    } else if status.st_mode & S_IFMT == S_IFREG {
      // Two spellings of one text look the same to every reader of the list.
      if !names.insert(name).inserted, search.isForAll { note(problem: "\(name) is there twice, spelt differently") }
    } else {
      note("\(name) is not a regular file")
    }
    return true
  }

  /// Words that are kept of a walk; nobody reads more.
  private static let wordLimit = 100

  private mutating func note(_ words: String) { if notes.count < Self.wordLimit { notes.append(words) } }
  private mutating func note(problem words: String) { if problems.count < Self.wordLimit { problems.append(words) } }

  private static func shown(_ name: String) -> String {
    name.utf8.count <= 100
      ? TerminalText.neutralised(name) : TerminalText.neutralised(bytes: name.utf8.prefix(100)) + "…"
  }
}
