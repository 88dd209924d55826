/// Git itself with the same files: a clone to write in, and a bare repository to push to.
struct GitPeer {
  private let folder: BenchFolder
  private let branch: String
  private let local: String
  private let remote: String

  /// Copies the branch as it is now.
  init(of repository: String, branch: String, in folder: BenchFolder) async throws {
    self.folder = folder
    self.branch = branch
    let stamp = try await Tool.git("rev-parse", branch, in: repository)
    local = folder["peer-local-\(stamp.prefix(8)).git"]
    remote = folder["peer-remote-\(stamp.prefix(8)).git"]
    try await Tool.run(["git", "clone", "--quiet", "--bare", repository, remote])
    try await Tool.run(["git", "clone", "--quiet", "--bare", repository, local])
  }

  /// Commits the files and pushes them.
  func write(_ files: [ImportStream.File], into run: inout BatchRun) throws {
    var stream = ImportStream()
    stream.commit(to: branch, at: 1_790_000_000, parent: "refs/heads/\(branch)^0", message: "results", files: files)
    let input = try folder.write("peer.stream", stream.bytes)
    let before = BenchFolder.size(of: remote)
    run.peerImport = try TimedCommand.git("fast-import", "--quiet", in: local).seconds(input: input)
    run.peerPush = try TimedCommand.git("push", "--quiet", remote, "refs/heads/\(branch)", in: local).seconds()
    run.peerBytes = Double(BenchFolder.size(of: remote) - before)
  }
}
