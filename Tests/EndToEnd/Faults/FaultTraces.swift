import Foundation
import Model
import TestSupport

/// What runs must leave, and what they must not: files that they gave back, secrets, cgroups.
struct FaultTraces {
  private let site: Site
  /// The agent's state folder.
  private let state: String
  private let secret: String
  /// Digests of artifacts that are with the controller, with the bytes that they are named by.
  private var delivered: Set<String> = []
  /// How far the results branch was searched.
  private var searched: String?

  /// Gives the agent its secret; it has not been started yet.
  init(_ site: Site, state: String) throws {
    self.site = site
    self.state = state
    // No form of it needs padding or escapes.
    secret = "canary-" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36).prefix(11)
    try FileManager.default.createDirectory(
      atPath: state + "/secrets", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data((secret + "\n").utf8).write(to: URL(fileURLWithPath: state + "/secrets/token"))
    chmod(state + "/secrets/token", 0o600)
  }

  private var agent: String {
    String(decoding: FileManager.default.contents(atPath: state + "/agent.id") ?? Data(), as: UTF8.self)
      .filter { !$0.isWhitespace }
  }

  /// What a machine has forgotten that was off: cgroups, and the files of secrets. All processes are dead.
  func forgetMemory() throws {
    try command(["sh", "-c", "rm -rf /dev/shm/belfry-secrets.\(agent)/* /run/belfry-secrets.\(agent)/*"])
    for cgroup in try cgroups() { rmdir(cgroup) }
  }

  // MARK: - At any time

  /// What is wrong. Each artifact of a receipt is with the controller, or still with the agent; no secret is anywhere.
  mutating func look(_ receipts: some Sequence<SeenReceipt>, output: String) throws -> [String] {
    let files = missing(receipts).map { "an artifact is neither with the controller nor with the agent: \($0)" }
    return files + (try secrets(output))
  }

  /// Artifacts that are nowhere; `isOver`: that are not with the controller.
  private mutating func missing(_ receipts: some Sequence<SeenReceipt>, isOver: Bool = false) -> [String] {
    var missing: [String] = []
    let folder = site.folder.path("controller-state/artifacts/\(agent)")
    for receipt in receipts {
      for artifact in receipt.attempts.flatMap({ $0["artifacts"]?.arrayValue ?? [] }) {
        guard let digest = artifact["sha256"]?.stringValue, !delivered.contains(digest) else { continue }
        // In this order: the agent lets go only of what the controller has.
        let isWaiting = access("\(state)/artifacts/\(digest)", F_OK) == 0
        if let bytes = FileManager.default.contents(atPath: "\(folder)/\(digest)") {
          if FaultJob.digest(bytes) == digest {
            delivered.insert(digest)
          } else {
            missing.append("with other bytes: \(receipt.run) \(artifact.text)")
          }
        } else if !isWaiting || isOver {
          missing.append("\(receipt.run) \(artifact.text)")
        }
      }
    }
    return missing
  }

  /// Places where the secret stands, in any of the forms in which a job prints it.
  private mutating func secrets(_ output: String) throws -> [String] {
    var found: [String] = []
    let tip = try command(["git", "rev-parse", "--verify", "-q", Site.branch], in: site.results).output
      .filter { !$0.isWhitespace }
    let range = searched.map { "\($0)..\(tip)" } ?? tip
    let log = try command(["git", "log", "-p", "--text", range, "--"], in: site.results)
    guard tip.isEmpty || log.status == 0 else { return ["the results branch cannot be searched: \(log)"] }
    let branch = tip.isEmpty ? "" : log.output
    searched = tip.isEmpty ? nil : tip
    for form in [secret, String(secret.prefix(12)), Data(secret.utf8).base64EncodedString()] {
      if branch.contains(form) { found.append("the results branch has the secret: \(form)") }
      if output.contains(form) { found.append("the agent prints the secret: \(form)") }
      for folder in [state, site.folder.path("controller-state")] {
        // `outputs` is a going job's own file.
        found += try files(holding: form, below: folder, "--exclude-dir=secrets", "--exclude=outputs").map {
          "\($0) has the secret: \(form)"
        }
      }
    }
    return found
  }

  // MARK: - At the end

  /// Waits until everything is delivered and nothing is left.
  mutating func end(_ receipts: some Sequence<SeenReceipt>) async throws {
    var left: [String] = []
    do {
      _ = try await eventually("all artifacts are with the controller, and nothing else is left", within: .seconds(60))
      {
        left = missing(receipts, isOver: true) + (try leftovers())
        return left.isEmpty ? true : nil
      }
    } catch {
      throw CommandFailure(description: left.prefix(10).joined(separator: "\n"))
    }
  }

  /// Artifacts that still wait, files of secrets, cgroups.
  private func leftovers() throws -> [String] {
    let waiting = try FileManager.default.contentsOfDirectory(atPath: state + "/artifacts").map { "artifact \($0)" }
    let memory = ["/dev/shm", "/run"].flatMap { place in
      (try? FileManager.default.contentsOfDirectory(atPath: "\(place)/belfry-secrets.\(agent)")) ?? []
    }
    return waiting + memory.map { "secrets of \($0)" } + (try cgroups().map { "cgroup \($0)" })
  }

  /// Those of the agent's runs.
  private func cgroups() throws -> [String] {
    try command(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", "*/belfry-\(agent)-*"]).output
      .split(separator: "\n").map(String.init)
  }
}
