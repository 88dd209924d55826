import Model

// `run.secrets`: a mapping of variables to secrets, or a list of secrets that are wanted as files only.

extension JobReader {
  func secrets(_ value: ValueReader, beside env: [String: String]) -> RunSpec.Secrets? {
    let count = 1...RunSpec.Secrets.limit
    if value.node.elements != nil {
      guard let names = value.list(count: count, of: "secrets", secretName) else { return nil }
      if Set(names).count < names.count { value.fail("'secrets' names a secret twice") }
      return .files(Set(names).sorted())
    }
    guard value.node.entries != nil else {
      value.wants(
        "variables and the names of their secrets, or a list of such names",
        suggestion: "such as {PGPASSWORD: orders-db}")
      return nil
    }
    var variables: [String: SecretName] = [:]
    for entry in value.entries(count: count, of: "variables and their secrets") ?? [] {
      if let problem = EnvironmentRules.problem(in: entry.name) {
        sink.error(at: entry.keyPlace, problem)
      } else if env[entry.name] != nil {
        sink.error(
          at: entry.keyPlace, "'\(entry.name)' is in 'env' too, and a variable has one value",
          suggestion: "take it out of one of the two")
      }
      variables[entry.name] = secretName(entry)
    }
    return variables.isEmpty ? nil : .variables(variables)
  }

  private func secretName(_ value: ValueReader) -> SecretName? {
    guard let text = value.string(bytes: 1...ManifestLimits.stringBytes) else { return nil }
    do {
      return try SecretName(text)
    } catch {
      // What stands there may be the secret itself, and what validate says ends up in logs: it is not repeated.
      value.fail(
        "this is not the name of a secret: up to 100 lower-case letters, digits, '.', '_' and '-', with a letter or digit at both ends",
        suggestion: "the manifest holds the name only; the secret itself is on the agents, see docs/CONFIGURATION.md")
      return nil
    }
  }
}
