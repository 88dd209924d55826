import Git
public import Model
public import Trust

/// Whether a receipt on the branch is what its agent signed.
public enum ReceiptVerification: Hashable, Sendable {
  /// Signed by the key that the branch holds for the agent; the id of that key.
  case verified(key: Digest)
  /// Why not, in words that are safe to print.
  case refused(String)
}

extension ResultsReader {
  /// Bytes of a key's file at the most.
  static let keyLimit = 16 << 10

  /// The key that the controller pinned for an agent; nil when there is none, or no readable one.
  ///
  /// Whoever may push to the branch may change it: compare its id with what the agent itself says where that matters.
  public func agentKey(_ agent: AgentID) throws(ResultsError) -> PublicKey? {
    try overGit { () throws(GitError) in try tree.key(ResultsLayout.agentKey(agent)) }
  }

  /// The key of the controller that writes the branch, which also signs its commits.
  public func controllerKey() throws(ResultsError) -> PublicKey? {
    try overGit { () throws(GitError) in try tree.key(ResultsLayout.controllerKey) }
  }

  /// The agents whose name that is or was, by what the controller wrote down; with `belfry dev` it writes none.
  /// Ascending.
  public func agents(named name: AgentName) throws(ResultsError) -> [AgentID] {
    let names = try overGit { () throws(GitError) in try tree.agentNames() }
    return names.filter { $0.value.contains(name) }.keys.sorted()
  }

  /// The keys of all agents.
  public func agentKeys() throws(ResultsError) -> [AgentID: PublicKey] {
    try overGit { () throws(GitError) in try tree.agentKeys() }
  }

  /// Joins a line and its signature to the envelope again and checks it with the agent's key on the branch.
  public func verify(_ stored: StoredReceipt) throws(ResultsError) -> ReceiptVerification {
    guard let key = try agentKey(stored.receipt.agent) else {
      return .refused("the branch holds no key of agent \(stored.receipt.agent)")
    }
    return verify(stored, key: key)
  }

  /// The same with a key that was obtained in another way.
  public func verify(_ stored: StoredReceipt, key: PublicKey) -> ReceiptVerification {
    guard let signature = stored.signature else { return .refused("there is no signature in the line beside it") }
    do throws(TrustError) {
      let signed = try verifyReceipt(
        line: stored.bytes, signatureLine: signature, key: key, agent: stored.receipt.agent)
      return .verified(key: signed.keyID)
    } catch {
      return .refused(TerminalText.neutralised(error.description))
    }
  }

  /// Whether the bytes are the log that the receipt speaks of.
  public func isLog(_ bytes: [UInt8], of stored: StoredReceipt, attempt: Int) -> Bool {
    let digest = SHA256.hash(bytes)
    return stored.receipt.attempts.contains { $0.number == attempt && $0.log.digest == digest }
  }
}

extension BranchTree {
  func key(_ path: String) throws(GitError) -> PublicKey? {
    guard let bytes = try file(path, limit: ResultsReader.keyLimit) else { return nil }
    return try? PublicKey(pem: String(decoding: bytes, as: UTF8.self))
  }

  func agentKeys() throws(GitError) -> [AgentID: PublicKey] {
    var keys: [AgentID: PublicKey] = [:]
    guard let folder = try folder(ResultsLayout.agentsFolder) else { return [:] }
    for entry in try entries(folder) {
      guard case .agentKey(let agent)? = ResultsLayout.parse("\(ResultsLayout.agentsFolder)/\(entry.name)"),
        let bytes = try bytes(entry, limit: ResultsReader.keyLimit)
      else { continue }
      keys[agent] = try? PublicKey(pem: String(decoding: bytes, as: UTF8.self))
    }
    return keys
  }

  /// The names that the branch holds for agents. A file that is not as Belfry writes it names nobody.
  func agentNames() throws(GitError) -> [AgentID: [AgentName]] {
    var names: [AgentID: [AgentName]] = [:]
    guard let folder = try folder(ResultsLayout.agentsFolder) else { return [:] }
    for entry in try entries(folder) {
      guard case .agentNames(let agent)? = ResultsLayout.parse("\(ResultsLayout.agentsFolder)/\(entry.name)"),
        let bytes = try bytes(entry, limit: AgentNamesFile.limit), let list = AgentNamesFile.read(bytes)
      else { continue }
      names[agent] = list
    }
    return names
  }
}
