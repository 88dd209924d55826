import Git
import Model
import Results
import Trust

/// What one batch took.
struct BatchRun {
  /// Seconds.
  var commit = 0.0
  var push = 0.0
  var peerImport = 0.0
  var peerPush = 0.0
  /// By which the remote has grown.
  var bytes = 0.0
  var peerBytes = 0.0
}

/// A results branch with its writer.
final class BenchBranch {
  private let source: ReceiptSource
  private let folder: BenchFolder
  private let remote: String
  private let repository: Repository
  private let writer: ResultsWriter
  private let overview: Overview
  private var count = 0

  init(_ source: ReceiptSource, in folder: BenchFolder) throws {
    self.source = source
    self.folder = folder
    remote = folder["remote.git"]
    _ = try Repository.createBare(at: remote)
    repository = try Repository.createBare(at: folder["controller.git"])
    writer = ResultsWriter(
      repository: repository, remote: Remote(url: remote),
      identity: ResultsWriter.Identity(writer: "bench", source: "file:///bench.git", key: try SigningKey.generate()))
    let outlook = Overview.Outlook(next: ReceiptSource.time(ofBatch: 1_000_000))
    overview = Overview(jobs: Dictionary(uniqueKeysWithValues: try source.jobs.map { ($0, outlook) }))
    _ = try writer.claimEpoch(now: ReceiptSource.time(ofBatch: 0))
  }

  /// Adds batches until the branch has at least so many receipts.
  func grow(to receipts: Int) throws {
    while count * ReceiptSource.batchSize < receipts { _ = try write() }
  }

  func measure(batches: Int) async throws -> [BatchRun] {
    let peer = try await GitPeer(of: remote, branch: ResultsReader.defaultBranch, in: folder)
    var runs: [BatchRun] = []
    for _ in 0..<batches {
      let parent = writer.localTip
      var run = try write()
      guard let commit = writer.localTip, commit != parent else { throw BenchError("a batch made no commit") }
      try peer.write(try content(of: commit, since: parent), into: &run)
      runs.append(run)
    }
    return runs
  }

  private func write() throws -> BatchRun {
    let deliveries = try source.batch(count)
    let now = ReceiptSource.time(ofBatch: count + 1)
    var run = BatchRun()
    let before = BenchFolder.size(of: remote)
    let outcome = try Stopwatch.add(to: &run.commit) {
      try writer.append(deliveries, newAgentKeys: source.agentKeys, overview: overview, now: now)
    }
    let pushed = try Stopwatch.add(to: &run.push) { try writer.push() }
    guard outcome.added.count == ReceiptSource.batchSize, case .pushed(let report) = pushed,
      report.runs.count == ReceiptSource.batchSize
    else { throw BenchError("not all receipts of a batch were written and pushed") }
    run.bytes = Double(BenchFolder.size(of: remote) - before)
    count += 1
    return run
  }

  /// The files that a commit of ours changed.
  private func content(of commit: CommitID, since parent: CommitID?) throws -> [ImportStream.File] {
    try repository.changedPaths(from: parent, to: commit).compactMap { change in
      try repository.file(at: change.path, in: commit).map { ImportStream.File(path: change.path, bytes: $0) }
    }
  }
}
