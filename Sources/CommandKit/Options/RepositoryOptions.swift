import ArgumentParser
import Git
import Model
import Results

/// Which repository a command is about.
struct RepositoryOption: ParsableArguments {
  @Option(
    name: [.customShort("C"), .customLong("repository")],
    help: ArgumentHelp("The repository, bare or not; default: the one around the current folder.", valueName: "path"),
    completion: .directory)
  var path: String?

  func location() throws -> RepositoryLocation { try RepositoryLocation.find(path ?? ".") }
}

/// Which results branch a command reads.
struct ResultsOptions: ParsableArguments {
  @OptionGroup var repository: RepositoryOption

  @Option(help: "The results branch, here or at the remote 'origin' as last fetched.")
  var branch = ResultsReader.defaultBranch

  func reader() throws -> ResultsReader {
    try ResultsReader(repository: repository.location().open(), branch: branch)
  }
}

/// A repository on this machine.
struct RepositoryLocation: Hashable {
  /// The work tree's root, or the bare repository.
  var path: String
  var isBare: Bool

  func open() throws(GitError) -> Repository { try Repository.open(at: path) }

  /// The repository that the folder is, or is in. Throws a ``CommandError`` when there is none.
  static func find(_ start: String, in surroundings: Surroundings = .current) throws(CommandError) -> RepositoryLocation
  {
    guard let folder = surroundings.resolved(start) else {
      throw CommandError(.unreachable, "there is no folder '\(start)'", hint: "check the path")
    }
    guard let location = search(folder) else {
      throw CommandError(
        .unreachable, "'\(start)' is not in a git repository", hint: "change into one, or name it with -C PATH")
    }
    return location
  }

  /// The same; nil when there is none.
  static func search(_ folder: String) -> RepositoryLocation? {
    var folder = folder
    while true {
      if NewFile.exists(folder + "/.git") { return RepositoryLocation(path: folder, isBare: false) }
      if ["HEAD", "objects", "refs"].allSatisfy({ NewFile.exists("\(folder)/\($0)") }) {
        if folder.hasSuffix("/.git") { return RepositoryLocation(path: String(folder.dropLast(5)), isBare: false) }
        return RepositoryLocation(path: folder, isBare: true)
      }
      guard let slash = folder.lastIndex(of: "/"), slash != folder.startIndex else { return nil }
      folder = String(folder[..<slash])
    }
  }
}
