/// The name of a secret that an agent holds: one segment of a ``JobName``'s grammar, 100 bytes. It is a file's name and a
/// command's argument on the agent, and the grammar leaves nothing that either could take for something else.
public struct SecretName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  /// Throws a ``NameError`` when `text` breaks the grammar.
  public init(_ text: String) throws(NameError) {
    guard text.utf8.count <= 100 else { throw NameError("a secret's name has at most 100 characters") }
    if let problem = NameGrammar.problem(in: text[...]) {
      throw NameError("'\(text.prefix(60))' is not a secret's name: \(problem)")
    }
    self.text = text
  }

  public var description: String { text }
  public static func < (a: SecretName, b: SecretName) -> Bool { a.text < b.text }
}

extension RunSpec {
  /// `run.secrets`: which secrets of the agent a run gets, and how. Each is a file of the folder `BELFRY_SECRETS`; 1...50 of
  /// them, together with those of a request.
  public enum Secrets: Hashable, Sendable {
    /// Also as these variables.
    case variables([String: SecretName])
    /// As files only; ascending.
    case files([SecretName])

    public static let limit = 50
  }

  /// All secrets that a run needs before it can start.
  public var secretNames: Set<SecretName> {
    var names: Set<SecretName>
    switch secrets {
    case nil: names = []
    case .variables(let variables): names = Set(variables.values)
    case .files(let list): names = Set(list)
    }
    if case .http(let request) = program { names.formUnion(request.secretNames) }
    return names
  }
}

extension RunSpec.Secrets {
  /// A mapping of variables to names, or a list of names.
  var json: JSONValue {
    switch self {
    case .variables(let variables): .sorted(variables.mapValues { .string($0.text) })
    case .files(let names): .strings(names.map(\.text))
    }
  }

  init?(json: JSONValue) throws {
    switch json {
    case .object(let members):
      var variables: [String: SecretName] = [:]
      for member in members { variables[member.key] = try SecretName(member.value.stringValue ?? "") }
      self = .variables(variables)
      guard 1...Self.limit ~= members.count else { return nil }
    case .array(let list):
      let names = try list.map { try SecretName($0.stringValue ?? "") }
      self = .files(names)
      guard 1...Self.limit ~= names.count, zip(names, names.dropFirst()).allSatisfy(<) else { return nil }
    default: return nil
    }
  }
}
