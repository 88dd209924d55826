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

  /// What to do when there is none.
  func absence(for inspection: Inspection) -> String {
    if reader == nil { return "no key: name one with --key, or a repository with a results branch with -C" }
    let path = inspection.agent.map(ResultsLayout.agentKey) ?? ResultsLayout.controllerKey
    return "no key: the results branch has no \(inspection.kind == .receipt ? path : ResultsLayout.controllerKey)"
  }
}
