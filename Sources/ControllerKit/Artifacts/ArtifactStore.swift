import Foundation
import Glibc
import Logging
import Model
import Platform
import Trust
import Wire

/// The artifacts that agents have sent: `AGENT/SHA256` and, of runs, `AGENT/runs/RUN.json` below one folder of the controller's
/// state. What an agent sends stands under its own id and nowhere else, so that it can neither replace what another one sent
/// nor find out what that was.
///
/// It is a cache like everything else there: bounded, the oldest removed first, and not in git.
actor ArtifactStore {
  private let executor = BlockingExecutor(label: "belfry.artifacts")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let folder: String
  private let room: ArtifactRoom
  private let clock: WallClock
  private let logger: Logger
  private var shelves: [AgentID: ArtifactShelf] = [:]
  /// What is coming at present, and how many intakes fetch it: an agent that dialed anew may have two for a moment.
  private var transfers: [AgentID: [Digest: Int]] = [:]
  private var isLoaded = false
  /// Why nothing can be stored at present; nil when all is well.
  private(set) var trouble: String?

  /// A piece of 512 KiB that takes longer is of nobody who goes on.
  static let patience = Duration.seconds(300)
  /// Runs of one agent that are remembered.
  static let runsLimit = 10_000

  init(folder: String, room: ArtifactRoom, clock: WallClock, logger: Logger) {
    self.folder = folder
    self.room = room
    self.clock = clock
    self.logger = logger
  }

  // MARK: - Runs

  /// Writes down which artifacts a run has, when that is new.
  func register(_ index: ArtifactIndex) throws(FileError) -> ArtifactIndex {
    if let known = self.index(of: index.run, agent: index.agent) { return known }
    try load()
    try DurableFile.makeFolder(runs(of: index.agent))
    try removeOldRuns(of: index.agent)
    try DurableFile.write(index.bytes, to: path(of: index.run, agent: index.agent))
    return index
  }

  /// Writes down that a run's artifacts are here, but for those that never will be.
  func complete(_ index: ArtifactIndex, refusals: [Digest: String]) throws(FileError) {
    var index = index
    index.complete(refusals)
    try DurableFile.write(index.bytes, to: path(of: index.run, agent: index.agent))
  }

  /// The run, by its id or the first digits of it; several when more than one begins so, at most ten.
  func find(_ digits: String) -> [ArtifactIndex] {
    guard (4...20).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 != 0x2f && $0 != 0x2e }) else { return [] }
    var found: [ArtifactIndex] = []
    for agent in names(folder).compactMap({ try? AgentID($0) }) {
      for name in names(runs(of: agent)) where name.hasPrefix(digits) && name.hasSuffix(".json") {
        guard let run = try? RunID(String(name.dropLast(5))), let index = index(of: run, agent: agent) else { continue }
        found.append(index)
        if found.count == 10 { return found }
      }
    }
    return found
  }

  private func index(of run: RunID, agent: AgentID) -> ArtifactIndex? {
    guard let bytes = try? DurableFile.read(path(of: run, agent: agent), limit: ArtifactIndex.sizeLimit) else {
      return nil
    }
    return try? ArtifactIndex(parsing: bytes)
  }

  private func removeOldRuns(of agent: AgentID) throws(FileError) {
    let folder = runs(of: agent)
    let all = names(folder)
    guard all.count >= Self.runsLimit else { return }
    // A tenth at a time, so that not every run has to look at all of them.
    let byAge = all.map { name in (name, FilePieces.status(folder + "/" + name)?.modified ?? 0) }.sorted { $0.1 < $1.1 }
    for (name, _) in byAge.prefix(all.count - Self.runsLimit * 9 / 10) { unlink(folder + "/" + name) }
  }

  // MARK: - Content

  enum Beginning: Hashable, Sendable {
    /// It is here.
    case stored
    /// The bytes from there on are missing.
    case missing(from: Int64)
    case refused(String)
  }

  /// While `body` runs, what has come of the artifact is not removed to make room for others, as long as it goes on: an
  /// agent that stops in the middle holds no room for longer than ``patience``.
  func transferring<Result: Sendable>(
    _ artifact: Artifact, of agent: AgentID, _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    transfers[agent, default: [:]][artifact.digest, default: 0] += 1
    defer {
      let left = (transfers[agent]?[artifact.digest] ?? 1) - 1
      transfers[agent]?[artifact.digest] = left > 0 ? left : nil
      if transfers[agent]?.isEmpty == true { transfers[agent] = nil }
    }
    return try await body()
  }

  /// What is missing of an artifact.
  func begin(_ artifact: Artifact, of agent: AgentID) throws(FileError) -> Beginning {
    try load()
    if shelves[agent]?.files[artifact.digest] != nil { return .stored }
    guard artifact.size <= room.agent, artifact.size <= room.total else {
      return .refused("it has \(artifact.size) bytes, and an agent may have \(min(room.agent, room.total)) here")
    }
    try DurableFile.makeFolder(folder + "/" + agent.text)
    let part = self.part(of: artifact.digest, agent: agent)
    let size = FilePieces.status(part)?.size ?? 0
    if size > artifact.size {
      discard(artifact, of: agent)
      return .missing(from: 0)
    }
    return .missing(from: size)
  }

  /// Adds bytes at the end of what has come. False, and nothing is written, when that does not end at `offset`, because
  /// somebody has removed it or gone on with it: a file with a hole would look like an agent that lies.
  func append(_ bytes: some Collection<UInt8> & Sendable, at offset: Int64, of artifact: Artifact, agent: AgentID)
    throws(FileError) -> Bool
  {
    let path = part(of: artifact.digest, agent: agent)
    guard FilePieces.status(path)?.size ?? 0 == offset else { return false }
    do throws(FileError) {
      try makeRoom(for: Int64(bytes.count), keeping: artifact.digest, of: agent)
      try FilePieces.write(Array(bytes), to: path, at: offset)
    } catch {
      trouble = "artifacts cannot be stored: \(error)"
      throw error
    }
    trouble = nil
    let size = offset + Int64(bytes.count)
    // Of a whole piece: an agent that sends a byte now and then does not go on.
    let window = Int64(WireLimits.artifactWindow)
    let isPiece = size / window > offset / window || size == artifact.size
    let last = shelves[agent]?.parts[artifact.digest]?.time
    let time = isPiece ? clock.now.microseconds : last ?? clock.now.microseconds
    shelves[agent, default: ArtifactShelf()].put(part: artifact.digest, .init(size: size, time: time))
    return true
  }

  /// All bytes have come: reads them back, and puts the file in its place, durably. False when they are not those of the
  /// digest; then they are thrown away.
  func finish(_ artifact: Artifact, of agent: AgentID) throws(FileError) -> Bool {
    let path = part(of: artifact.digest, agent: agent)
    // An empty file has no chunk.
    if artifact.size == 0 { try FilePieces.write([], to: path, at: 0) }
    guard try Self.hash(path) == artifact.digest else {
      discard(artifact, of: agent)
      return false
    }
    try FilePieces.sync(path)
    let target = self.path(of: artifact.digest, agent: agent)
    guard rename(path, target) == 0 else { throw FileError(path: path, code: errno, operation: "cannot rename") }
    try FilePieces.sync(folder + "/" + agent.text)
    shelves[agent, default: ArtifactShelf()].put(
      artifact.digest, .init(size: artifact.size, time: clock.now.microseconds))
    return true
  }

  /// Throws away what has come of an artifact.
  func discard(_ artifact: Artifact, of agent: AgentID) {
    unlink(part(of: artifact.digest, agent: agent))
    shelves[agent]?.remove(part: artifact.digest)
  }

  /// Whether the bytes are here.
  func has(_ digest: Digest, of agent: AgentID) -> Bool {
    FilePieces.status(path(of: digest, agent: agent)) != nil
  }

  /// Bytes of an artifact from `offset` on, at most `limit`.
  func read(_ digest: Digest, of agent: AgentID, at offset: Int64, limit: Int) throws(FileError) -> [UInt8] {
    try FilePieces.read(path(of: digest, agent: agent), at: offset, limit: limit)
  }

  // MARK: - Room

  private func makeRoom(for bytes: Int64, keeping digest: Digest, of agent: AgentID) throws(FileError) {
    let since = (clock.now - Self.patience).microseconds
    var kept: [AgentID: Set<Digest>] = [:]
    for (agent, digests) in transfers {
      let parts = shelves[agent]?.parts ?? [:]
      kept[agent] = Set(digests.keys.filter { parts[$0].map { since <= $0.time } ?? true })
    }
    kept[agent, default: []].insert(digest)
    guard let removals = room.toRemove(shelves, for: agent, bytes: bytes, keeping: kept) else {
      throw FileError(path: folder, code: ENOSPC, operation: "cannot make room")
    }
    for removal in removals {
      unlink(path(of: removal.digest, agent: removal.agent))
      unlink(part(of: removal.digest, agent: removal.agent))
      shelves[removal.agent]?.remove(removal.digest)
    }
    if let last = removals.last {
      logger.info(
        "old artifacts were removed to make room",
        metadata: ["number": "\(removals.count)", "last": "\(last.agent)/\(last.digest.short)"])
    }
    try FilePieces.checkRoom(for: bytes, in: folder)
  }

  /// Reads what is there, once.
  private func load() throws(FileError) {
    guard !isLoaded else { return }
    try DurableFile.makeFolder(folder)
    for agent in names(folder).compactMap({ try? AgentID($0) }) {
      var shelf = ArtifactShelf()
      for name in names(folder + "/" + agent.text) {
        guard let status = FilePieces.status("\(folder)/\(agent.text)/\(name)") else { continue }
        let file = ArtifactShelf.File(size: status.size, time: status.modified)
        if let digest = try? Digest(hex: name) {
          shelf.put(digest, file)
        } else if name.hasSuffix(Self.partSuffix), let digest = try? Digest(hex: String(name.dropLast(5))) {
          shelf.put(part: digest, file)
        }
      }
      shelves[agent] = shelf
    }
    isLoaded = true
  }

  // MARK: - Files

  private static let partSuffix = ".part"

  private func runs(of agent: AgentID) -> String { "\(folder)/\(agent.text)/runs" }
  private func path(of run: RunID, agent: AgentID) -> String { "\(runs(of: agent))/\(run.text).json" }
  private func path(of digest: Digest, agent: AgentID) -> String { "\(folder)/\(agent.text)/\(digest.hex)" }
  private func part(of digest: Digest, agent: AgentID) -> String { path(of: digest, agent: agent) + Self.partSuffix }

  private func names(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }

  private static func hash(_ path: String) throws(FileError) -> Digest {
    var hash = SHA256.Stream()
    var offset: Int64 = 0
    while true {
      let bytes = try FilePieces.read(path, at: offset, limit: 1 << 20)
      if bytes.isEmpty { return hash.finish() }
      hash.update(bytes)
      offset += Int64(bytes.count)
    }
  }
}
