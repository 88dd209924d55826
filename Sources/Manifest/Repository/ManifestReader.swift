public import Model
public import ZoneInfo

/// Reads manifests in two passes: each file by itself, which can be kept by blob id, and then all files of a commit.
public struct ManifestReader: Sendable {
  private let zones: ZoneDatabase

  /// `zones` knows the names of time zones.
  public init(zones: ZoneDatabase) { self.zones = zones }

  /// Pass 1: parses one YAML file, or takes an iCalendar file as it is. Depends on the path and the bytes alone.
  public func parse(path: String, bytes: [UInt8]) -> ParsedFile { ParsedFile(path: path, bytes: bytes) }

  /// Which files of a commit pass 2 needs, by its `belfry.yaml`; nil when there is none.
  public func selection(root: ParsedFile?) -> ManifestSelection {
    ManifestSelection(root: RootFile(root, zones: zones))
  }

  /// Pass 2: makes jobs of all files of one commit. The order of `files` does not matter.
  ///
  /// - Parameters:
  ///   - root: `belfry.yaml`; nil when the commit has none.
  ///   - files: every file that ``selection(root:)`` asks for; others are passed over.
  ///   - listing: every path of the commit.
  ///   - head: the first ``ScriptCheck/headBytes`` bytes or more of a regular file, or nil to leave scripts unchecked.
  ///   - previous: the last result of the same reader: what depends on unchanged files only is taken from there.
  /// - Returns: what is good, and what is wrong with the rest.
  public func load(
    root: ParsedFile?, files: [ParsedFile], listing: RepositoryListing, head: (String) -> [UInt8]? = { _ in nil },
    previous: LoadedRepository? = nil
  ) -> LoadedRepository {
    var loader = Loader(zones: zones, listing: listing, previous: previous?.memory)
    return loader.load(root: root, files: files, head: head)
  }
}

/// Which files of a commit hold manifests, or what manifests rest on.
public struct ManifestSelection: Sendable {
  fileprivate let root: RootFile

  /// The file that says so, at the repository's root.
  public static let rootPath = RootFile.path

  /// Whether a file at the path holds jobs or defaults, or the events of a calendar.
  public func wants(_ path: String) -> Bool {
    root.isJobFile(path) || root.isDefaultsFile(path) || root.isCalendarFile(path)
  }
}

/// What the manifests of one commit say.
public struct LoadedRepository: Sendable {
  /// Those without any mistake, in ascending order of name.
  public var jobs: [LoadedJob]
  /// All mistakes of all files, by file, line and column.
  public var diagnostics: [Diagnostic]
  /// Named in a document with a mistake: they keep their last good version.
  public var brokenJobs: Set<JobName> { Set(mistakes.keys) }
  /// The errors in what makes each of them, in order, as far as they can be told apart: those of its document, of the files and
  /// calendars that it names, and of a file that cannot be read at all.
  public var mistakes: [JobName: [Diagnostic]]
  /// False when there may be jobs whose names are not known (`belfry.yaml` is unusable, or a document too broken to
  /// tell its name): then a job that is not in ``jobs`` must not be taken for removed.
  public var isComplete: Bool
  let memory: LoadMemory
}

/// A job of a commit.
public struct LoadedJob: Sendable {
  public var job: Job
  /// From the repository's root.
  public var manifestPath: String
  /// Of the document's `job` key, from 1.
  public var line: Int
  /// The script and what the patterns of `files` match, each path once, in ascending order.
  public var files: [String]
}
