import Model
import Platform
import Results
import Trust

/// Finds the key with which a signed object is to be checked.
struct Keyring {
  /// A key, and a file that holds it, for the openssl commands.
  struct Found: Hashable {
    var key: PublicKey
    var file: String
  }

  private let given: Found?
  /// Nil when there is no results branch here.
  private let reader: ResultsReader?

  /// `file` is the key that the user names; without it `branch` is asked. Throws for a file that holds no key.
  init(file: String?, in surroundings: Surroundings, branch: () throws -> ResultsReader) throws {
    guard let file else {
      given = nil
      reader = try? branch()
      return
    }
    reader = nil
    let text = String(decoding: try SignedFile.read(file, surroundings, limit: 64 << 10), as: UTF8.self)
    given = Found(key: try PublicKey(pem: text), file: file)
  }

  /// Nowhere to look for a key: none was named, and there is no results branch here.
  var isEmpty: Bool { given == nil && reader == nil }

  /// Nil when no key is known for who should have signed this.
  func key(for inspection: Inspection) throws -> Found? {
    if let given { return given }
    guard let reader else { return nil }
    if inspection.kind == .receipt {
      guard let agent = inspection.agent else { return nil }
      return try reader.agentKey(agent).map { Found(key: $0, file: ResultsLayout.agentKey(agent)) }
    }
    return try reader.controllerKey().map { Found(key: $0, file: ResultsLayout.controllerKey) }
  }

  /// Why there is none.
  func absence(for inspection: Inspection) -> String {
    if isEmpty { return "no key was given, and there is no results branch here" }
    let path = inspection.agent.map(ResultsLayout.agentKey) ?? ResultsLayout.controllerKey
    return "the results branch has no \(inspection.kind == .receipt ? path : ResultsLayout.controllerKey)"
  }

  /// What is to be said when a signature cannot be checked for want of any key.
  static func needed(for inspection: Inspection) -> CommandError {
    let signer = inspection.kind == .receipt ? "the agent's" : "the controller's"
    return CommandError(
      .usage, "nothing was checked: this \(inspection.kind.rawValue) needs \(signer) public key",
      hint: """
        name its file with --key FILE, or a repository with a results branch, which holds the keys, with -C PATH
        """)
  }
}
