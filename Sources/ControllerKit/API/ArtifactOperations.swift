import HTTPTypes
import Model

/// The bytes of an artifact, to be read piece by piece.
struct ArtifactContent: Sendable {
  /// Bytes.
  var size: Int64
  /// Bytes from an offset on, at most so many.
  var read: @Sendable (Int64, Int) async throws -> [UInt8]
}

extension Operations {
  /// What is known of a run's artifacts; `digits` are its id or the first ones of it.
  func artifacts(of digits: String) async throws(APIError) -> JSONValue {
    let index = try await found(digits)
    var list: [JSONValue] = []
    for entry in index.entries {
      let isHere = await artifacts.has(entry.artifact.digest, of: index.agent)
      let state = isHere ? "stored" : entry.refusal != nil ? "refused" : index.isComplete ? "removed" : "expected"
      list.append(
        .members([
          "attempt": .integer(Int64(entry.attempt)), "name": .string(entry.artifact.name),
          "size": .integer(entry.artifact.size), "sha256": .string(entry.artifact.digest.hex), "state": .string(state),
          "reason": isHere ? nil : entry.refusal.map(JSONValue.string),
        ]))
    }
    return [
      "run": .string(index.run.text), "job": .string(index.job.text), "agent": .string(index.agentName.text),
      "nominal": .timestamp(index.nominal), "artifacts": .array(list),
    ]
  }

  func artifact(_ digest: Digest, of run: RunID) async throws(APIError) -> ArtifactContent {
    let index = try await found(run.text)
    guard let entry = index.entries.first(where: { $0.artifact.digest == digest }) else {
      throw APIError(.notFound, "run \(run) has no artifact with the digest \(digest.short)")
    }
    let store = artifacts
    guard await store.has(digest, of: index.agent) else {
      throw APIError(
        .notFound, "the artifact '\(entry.artifact.name)' is not here", hint: "'belfry artifacts \(run)' says why")
    }
    return ArtifactContent(size: entry.artifact.size) { offset, limit in
      try await store.read(digest, of: index.agent, at: offset, limit: limit)
    }
  }

  private func found(_ digits: String) async throws(APIError) -> ArtifactIndex {
    let found = await artifacts.find(digits)
    guard found.count < 2 else {
      let some = found.map(\.run.text).sorted().joined(separator: ", ")
      throw APIError(.badRequest, "several runs begin with \(digits): \(some)", hint: "give more digits")
    }
    guard let index = found.first else {
      throw APIError(
        .notFound, "no artifacts of a run that begins with '\(digits.prefix(20))' are known here",
        hint: "its receipt says whether it gave any back: 'belfry history'")
    }
    return index
  }
}
