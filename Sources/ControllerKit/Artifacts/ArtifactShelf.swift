import Model

/// What one agent's artifacts take up, and which are the oldest: pure.
struct ArtifactShelf: Hashable, Sendable {
  struct File: Hashable, Sendable {
    /// Bytes on the disk.
    var size: Int64
    /// When it was complete, or a piece of it was, in microseconds since 1970.
    var time: Int64
  }

  private(set) var files: [Digest: File] = [:]
  /// Not complete yet.
  private(set) var parts: [Digest: File] = [:]
  private(set) var size: Int64 = 0

  mutating func put(_ digest: Digest, _ file: File) {
    remove(digest)
    files[digest] = file
    size += file.size
  }

  mutating func put(part digest: Digest, _ file: File) {
    size += file.size - (parts.updateValue(file, forKey: digest)?.size ?? 0)
  }

  mutating func remove(_ digest: Digest) {
    size -= files.removeValue(forKey: digest)?.size ?? 0
    remove(part: digest)
  }

  mutating func remove(part digest: Digest) { size -= parts.removeValue(forKey: digest)?.size ?? 0 }

  /// What is to go first: a part that nobody goes on with, then the oldest file. Nil when there is nothing but `kept`.
  func oldest(but kept: Set<Digest>) -> Digest? {
    func first(_ files: [Digest: File]) -> Digest? {
      files.filter { !kept.contains($0.key) }.min { ($0.value.time, $0.key) < ($1.value.time, $1.key) }?.key
    }
    return first(parts) ?? first(files)
  }
}

/// How much is kept of all agents' artifacts.
public struct ArtifactRoom: Hashable, Sendable {
  /// Bytes of all.
  public var total: Int64
  /// Bytes of one agent.
  public var agent: Int64

  public init(total: Int64 = 10 << 30, agent: Int64 = 2 << 30) {
    self.total = total
    self.agent = agent
  }

  /// What has to go before an agent may have so many bytes more: its own oldest where it would have more than its share,
  /// else the oldest of whoever has the most. So an agent that sends without end pushes out what is its own. What is coming at
  /// present, from any agent, does not go. Nil when there is nothing else left to go and still no room.
  func toRemove(
    _ shelves: [AgentID: ArtifactShelf], for agent: AgentID, bytes: Int64, keeping kept: [AgentID: Set<Digest>]
  ) -> [(agent: AgentID, digest: Digest)]? {
    var shelves = shelves
    var removed: [(agent: AgentID, digest: Digest)] = []
    var sum = shelves.values.reduce(0) { $0 + $1.size }
    while true {
      let own = shelves[agent]?.size ?? 0
      let victims: [AgentID]
      if own + bytes > self.agent {
        victims = [agent]
      } else if sum + bytes > total {
        victims = shelves.sorted { ($0.value.size, $0.key) > ($1.value.size, $1.key) }.map(\.key)
      } else {
        return removed
      }
      let candidates = victims.lazy.compactMap { victim in
        shelves[victim]?.oldest(but: kept[victim] ?? []).map { (victim, $0) }
      }
      guard let (victim, oldest) = candidates.first else { return nil }
      let before = shelves[victim]?.size ?? 0
      shelves[victim]?.remove(oldest)
      sum -= before - (shelves[victim]?.size ?? 0)
      removed.append((victim, oldest))
    }
  }
}
