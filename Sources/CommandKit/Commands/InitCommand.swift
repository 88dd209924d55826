import ArgumentParser
import Glibc
import Model
import Platform

struct InitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a small commented repository of jobs.",
    discussion: """
      Writes belfry.yaml, two jobs, a script and a README. Files that exist are never overwritten. Outside of a git \
      repository it makes one, with a first commit.

      Examples:
        belfry init my-jobs
        cd existing-repository && belfry init
      """)

  @Argument(help: "The folder; made if it is missing.", completion: .directory)
  var path = "."

  func run() async throws {
    let surroundings = Surroundings.current
    let folder = surroundings.absolute(path)
    let taken = Starter.files.map(\.path).filter { NewFile.exists(folder + "/" + $0) }
    guard taken.isEmpty else {
      throw CommandError(
        .bad, "nothing was written, because there is already \(taken.joined(separator: ", ")) in \(path)",
        hint: "choose another folder, or move what is there away")
    }
    try DurableFile.makeFolder(folder, mode: 0o777)
    let location = surroundings.resolved(folder).flatMap(RepositoryLocation.search)
    if let location, location.path != surroundings.resolved(folder) {
      surroundings.warn(
        "belfry.yaml belongs at the root of the repository, \(location.path), and this is a folder in it")
    }
    for file in Starter.files {
      let target = folder + "/" + file.path
      if let slash = target.lastIndex(of: "/") { try DurableFile.makeFolder(String(target[..<slash]), mode: 0o777) }
      try NewFile.write(Array(file.text.utf8), to: target, mode: file.isExecutable ? 0o777 : 0o666)
    }
    var text = "Wrote \(Humane.count(Starter.files.count, "file")) to \(path):\n"
    for file in Starter.files { text += "  \(file.path)\n" }
    let isCommitted = location == nil ? try await startRepository(folder, surroundings) : false
    text += location == nil ? "and made it a git repository\(isCommitted ? " with a first commit" : "").\n" : ""
    try surroundings.print(text + Starter.nextSteps(path, isCommitted: isCommitted))
  }

  /// Whether the files could be committed: git wants to know who does it.
  private func startRepository(_ folder: String, _ surroundings: Surroundings) async throws -> Bool {
    let git = GitProgram(folder: folder, surroundings: surroundings)
    _ = try await git.output("init", "--quiet", "--initial-branch=main", orElse: "cannot make a git repository")
    _ = try await git.output("add", "--", ".", orElse: "cannot add the files to git")
    return try await git.run(["commit", "--quiet", "--message", "Start a schedule"]).isSuccess
  }
}
