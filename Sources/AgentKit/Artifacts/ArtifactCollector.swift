import Execution
import Platform

/// Takes attempts' artifacts into the spool, one attempt after the other, on a thread that gives way to everybody else:
/// hashing a gigabyte must not keep anything from starting.
actor ArtifactCollector {
  private let executor = BlockingExecutor(label: "belfry.artifacts.collector", isBackground: true)
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let spool: ArtifactSpool

  init(spool: ArtifactSpool) { self.spool = spool }

  func collect(_ folder: RunFolder, patterns: [String]) throws -> CollectedArtifacts {
    try folder.collectArtifacts(patterns: patterns, into: spool)
  }
}
